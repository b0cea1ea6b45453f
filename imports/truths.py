# ruff: noqa: RUF001 — words of other languages are meant as they stand
"""What files write for yes and no, in the usual languages; the catalog's own words among them.

Only for imports: forms and the API speak one language, and a word that is no answer there would
be a slip of the hand. A file has its sender's language throughout.
"""

import unicodedata
from typing import Final

from catalog.rules import FALSE_WORDS, TRUE_WORDS

_YES: Final = """
    x ✓ ✔ ☑ ✅ ok wahr ja j aktiv aktiviert vrai oui actif activé active sí si sì s verdadero activo
    activado vero attivo sim verdadeiro ativo waar actief tak prawda aktywny ano pravda aktivní da
    igen aktív evet doğru etkin kyllä sant sand aktivt да истина активен активный так はい 有効 是
    启用 啟用 예 enabled enable published publish visible live
"""
_NO: Final = """
    ✗ ✘ ☐ ❌ falsch nein inaktiv deaktiviert faux non inactif désactivé inactive falso inactivo
    desactivado inattivo não nao inativo onwaar nee inactief nie fałsz nieaktywny ne nepravda
    neaktivní nu nem inaktív hayır yanlış ei epätosi usant falskt falsk inaktivt нет ложь неактивен
    неактивный ні いいえ 無効 否 禁用 停用 아니요 disabled disable unpublished draft hidden archived
"""
_UNSEEN: Final = "\u200b\u2060\ufeff"
WORDS: Final[dict[str, bool]] = {
    **dict.fromkeys((*TRUE_WORDS, *_YES.split()), True),
    **dict.fromkeys((*FALSE_WORDS, *_NO.split()), False),
}


def truth_of(text: str) -> bool | None:
    """What a word says in any case; None when it says nothing of the kind."""
    return WORDS.get(unicodedata.normalize("NFC", text.strip().strip(_UNSEEN)).lower())
