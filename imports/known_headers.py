# ruff: noqa: RUF001 - letters of other scripts are meant as they stand
"""Column names as shop systems, marketplaces and spreadsheets write them, as data.

`NAMES` has a block for each system or language. The names of one field stand in order, separated
by `|`: where a file has two of them, the earlier one is the better. Case, accents, blanks and marks
don't matter (`imports.mapping.folded`). Sources, as read in November 2026:

- Shopify: Help Center, "Using CSV files to import and export products", old and new template.
- WooCommerce: documentation, "Product CSV Import Schema".
- Magento / Adobe Commerce: user guide, "Product data attributes"; Magento 1: product export.
- Medusa: product export and import template of the admin, versions 1 and 2.
- Amazon: Seller Central, active listings report, inventory loader and category templates.
- eBay: Seller Hub Reports, active listings download and File Exchange template, also in German.
- PrestaShop: documentation, "Import", sample files and the product list's export.
- Shopware: product export profile of 6, "articles complete" profile of 5.
- OpenCart, BigCommerce, Wix, Squarespace, Ecwid, Square, Etsy, Odoo: their export templates.
- Google Merchant Center: product data specification.
- JTL, OXID, Gambio, SAP: the tables and export templates of German merchandise systems.
- The languages: what people call these columns in price lists.
"""

from typing import Final

NAMES: Final[dict[str, dict[str, str]]] = {
    "Shopify": {
        "sku": "Variant SKU",
        "name": "Title",
        "description": "Body (HTML) | Body HTML",
        "price": "Variant Price",
        "active": "Published | Published on online store",
    },
    "WooCommerce": {
        "sku": "SKU | post_sku",
        "name": "Name | post_title",
        "description": "Description | post_content | Short description | post_excerpt",
        "price": "Regular price | Sale price",
        "active": "Published",
    },
    "Magento": {
        "sku": "sku",
        "name": "name",
        "description": "description | short_description",
        "price": "price | special_price",
        "active": "product_online | is_active",
    },
    "Medusa": {
        "sku": "Variant SKU | Variant_SKU",
        "name": "Product Title",
        "description": "Product Description | Product Subtitle",
        "price": "Variant Price | Price",
        "active": "",
    },
    "Amazon": {
        "sku": "seller-sku | item_sku | Contribution SKU | Merchant SKU",
        "name": "item-name | Product Name",
        "description": "product_description | item-description",
        "price": "standard_price | Your Price | price",
        "active": "",
    },
    "eBay": {
        "sku": "Custom label (SKU) | CustomLabel | Bestandseinheit (SKU)"
        " | Benutzerdefinierte Bestandseinheit (SKU)",
        "name": "Title | Item title | Titel | Angebotstitel",
        "description": "Item description | Artikelbeschreibung",
        "price": "Start price | Current price | Buy It Now price | Auction Buy It Now price"
        " | Startpreis | Aktueller Preis | Sofort-Kaufen-Preis",
        "active": "",
    },
    "PrestaShop": {
        "sku": "Reference # | Reference | Product reference",
        "name": "Name | Product name",
        "description": "Description",
        "price": "Price | Final price | Base price",
        "active": "Active (0/1) | Enabled | Displayed",
    },
    "Shopware": {
        "sku": "productNumber | product_number | ordernumber",
        "name": "translations.DEFAULT.name | articleName",
        "description": "translations.DEFAULT.description | description_long",
        "price": "price.DEFAULT.gross | price.DEFAULT.net",
        "active": "active",
    },
    "OpenCart, BigCommerce, Wix, Squarespace, Ecwid, Square, Etsy": {
        "sku": "Product Code/SKU | Product SKU | Item SKU",
        "name": "Product Name | Item Name",
        "description": "Product Description | Description (HTML)",
        "price": "Product Price | Calculated Price | Default price",
        "active": "Product Visible? | Is Visible | Visible | Enabled | Is Enabled",
    },
    "Odoo": {
        "sku": "Internal Reference | default_code",
        "name": "Display Name",
        "description": "Sales Description | description_sale",
        "price": "Sales Price | list_price",
        "active": "active",
    },
    "Google Merchant Center": {
        "sku": "offer_id | offerId",
        "name": "title",
        "description": "description",
        "price": "price | sale_price",
        "active": "",
    },
    "JTL": {
        "sku": "Artikelnummer",
        "name": "Artikelname",
        "description": "Beschreibung | Kurzbeschreibung",
        "price": "Brutto-VK | Std. VK Brutto | Netto-VK | Std. VK Netto",
        "active": "Aktiv",
    },
    "OXID": {
        "sku": "OXARTNUM",
        "name": "OXTITLE",
        "description": "OXLONGDESC | OXSHORTDESC",
        "price": "OXPRICE",
        "active": "OXACTIVE",
    },
    "Gambio": {
        "sku": "p_model | products_model",
        "name": "p_name | products_name",
        "description": "p_desc | products_description | p_shortdesc",
        "price": "p_priceNoTax | products_price",
        "active": "p_status | products_status",
    },
    "SAP": {
        "sku": "Material Number | MATNR | Materialnummer",
        "name": "Material Description | MAKTX | Materialkurztext",
        "description": "",
        "price": "KBETR",
        "active": "",
    },
    "English": {
        "sku": "SKU Code | SKU Number | SKU No | SKU ID | Stock keeping unit | Item number"
        " | Item no | Item num | Item # | Item code | Item ID | Article number | Article no"
        " | Article code | Art no | Product number | Product no | Product code | Prod code"
        " | Part number | Part no | Part # | Catalog number | Catalogue number | Order number"
        " | Order code | Stock code",
        "name": "Product title | Item title | Article name | Article title | Display name"
        " | Product label",
        "description": "Long description | Full description | Detailed description | Desc"
        " | Product desc | Item desc | Product details | Long text | Short desc",
        "price": "Unit price | Retail price | Selling price | Sell price | Consumer price"
        " | Gross price | Price gross | Net price | Price net | List price",
        "active": "Is active | Enabled | Is enabled | Is published | Visible",
    },
    "German": {
        "sku": "Artikelnummer | Artikelnr | Artikel-Nr. | Art.-Nr. | Artnr | ArtikelNo"
        " | Artikel Nummer | Artikelcode | Artikel-ID | Artikelkennung | Produktnummer | Produktnr"
        " | Produkt-Nr. | Produktcode | Bestellnummer | Bestellnr | Best.-Nr. | Teilenummer"
        " | Teilenr | Teile-Nr. | Materialnr | Sachnummer | Katalognummer",
        "name": "Bezeichnung | Artikelbezeichnung | Produktbezeichnung | Artikelname | Produktname"
        " | Produkttitel | Titel | Benennung | Artikeltext | Bezeichnung 1 | Kurztext"
        " | Kurzbezeichnung",
        "description": "Beschreibung | Artikelbeschreibung | Produktbeschreibung"
        " | Langbeschreibung | Langtext | Beschreibungstext | Beschreibung lang | Bezeichnung 2"
        " | Beschreibung kurz | Kurzbeschreibung",
        "price": "Verkaufspreis | VK-Preis | VK | VKP | Preis"
        " | Regulärer Preis | Bruttopreis | Einzelpreis | Stückpreis | Artikelpreis"
        " | Produktpreis | Endpreis | Ladenpreis | Nettopreis"
        " | Listenpreis | Stueckpreis | Angebotspreis",
        "active": "Aktiv | Ist aktiv | Aktiviert | Sichtbar | Veröffentlicht | Veroeffentlicht",
    },
    "French": {
        "sku": "Référence | Réf. | Référence produit | Réf. produit | Réf produit"
        " | Référence article | Réf. article | Code article | Code produit | Numéro d'article"
        " | N° article | UGS",
        "name": "Désignation | Libellé | Nom | Nom du produit | Nom produit | Nom de l'article"
        " | Titre | Intitulé | Libellé produit | Libellé article",
        "description": "Description | Description longue | Description produit | Descriptif"
        " | Description complète | Résumé | Description courte",
        "price": "Prix de vente | Prix TTC | Prix | Prix unitaire | Prix public | Tarif régulier"
        " | Tarif | Tarif promo | PU TTC | Prix de vente TTC | Prix HT | Prix de vente HT | PU HT",
        "active": "Actif | Activé | Publié | En ligne",
    },
    "Spanish": {
        "sku": "Referencia | Ref. | Código | Código de artículo | Código artículo"
        " | Código de producto | Código producto | Referencia producto | Número de artículo",
        "name": "Nombre | Nombre del producto | Nombre producto | Denominación | Título",
        "description": "Descripción | Descripción larga | Descripción del producto"
        " | Descripción completa | Descripción corta",
        "price": "Precio de venta | PVP | Precio | Precio normal | Precio unitario | Precio final"
        " | Precio rebajado",
        "active": "Activo | Activado | Publicado | Habilitado",
    },
    "Italian": {
        "sku": "Codice articolo | Codice prodotto | Cod. articolo | Cod. art. | Codice"
        " | Riferimento",
        "name": "Nome | Nome prodotto | Nome articolo | Denominazione | Titolo",
        "description": "Descrizione | Descrizione lunga | Descrizione prodotto | Descrizione breve",
        "price": "Prezzo di vendita | Prezzo | Prezzo al pubblico | Prezzo unitario"
        " | Prezzo di listino | Prezzo in offerta",
        "active": "Attivo | Attivato | Pubblicato | Abilitato",
    },
    "Portuguese": {
        "sku": "Referência | Código do produto | Código do artigo | Código produto",
        "name": "Nome do produto | Designação",
        "description": "Descrição | Descrição longa | Descrição do produto | Descrição curta",
        "price": "Preço de venda | Preço | Preço normal | Preço unitário | Preço promocional",
        "active": "Ativo | Publicado",
    },
    "Dutch": {
        "sku": "Artikelnummer | Artikelnr | Artikelcode | Productnummer | Productcode"
        " | Bestelnummer",
        "name": "Naam | Productnaam | Artikelnaam | Titel | Benaming",
        "description": "Omschrijving | Beschrijving | Productomschrijving | Productbeschrijving"
        " | Artikelomschrijving | Lange omschrijving | Korte omschrijving",
        "price": "Verkoopprijs | Prijs | Reguliere prijs | Stuksprijs | Adviesprijs",
        "active": "Actief | Gepubliceerd | Zichtbaar | Ingeschakeld",
    },
    "Polish": {
        "sku": "Indeks | Kod produktu | Kod towaru | Numer katalogowy | Numer artykułu",
        "name": "Nazwa | Nazwa produktu | Nazwa towaru | Tytuł",
        "description": "Opis | Opis produktu | Opis długi | Opis skrócony | Krótki opis",
        "price": "Cena sprzedaży | Cena | Cena brutto | Cena regularna | Cena netto",
        "active": "Aktywny | Aktywne | Aktywność | Opublikowany | Włączony | Widoczny",
    },
    "Czech and Slovak": {
        "sku": "Kód | Kód produktu | Kód zboží | Katalogové číslo",
        "name": "Název | Název produktu | Název zboží | Názov | Názov produktu",
        "description": "Popis | Popis produktu | Dlouhý popis | Krátký popis",
        "price": "Prodejní cena | Cena s DPH | Cena | Cena bez DPH",
        "active": "Aktivní | Aktívny | Zobrazit | Viditelný",
    },
    "Swedish, Danish, Norwegian": {
        "sku": "Artikelnummer | Artikelnr | Varenummer | Varenr | Produktnummer",
        "name": "Benämning | Namn | Navn | Varenavn | Produktnavn | Produktnamn",
        "description": "Beskrivning | Beskrivelse | Produktbeskrivning | Produktbeskrivelse",
        "price": "Försäljningspris | Salgspris | Pris | Utpris",
        "active": "Aktiv | Publicerad | Synlig",
    },
    "Turkish": {
        "sku": "Stok kodu | Ürün kodu",
        "name": "Ürün adı",
        "description": "Açıklama | Ürün açıklaması",
        "price": "Satış fiyatı | Fiyat",
        "active": "Aktif | Yayında",
    },
    "Russian and Ukrainian": {
        "sku": "Артикул | Код товара | Код товару",
        "name": "Наименование | Название | Название товара | Назва | Найменування",
        "description": "Описание | Опис | Описание товара",
        "price": "Цена | Ціна | Розничная цена",
        "active": "Активен | Активность | Опубликован",
    },
    "Japanese": {
        "sku": "商品コード | 品番 | 商品番号 | 型番",
        "name": "商品名 | 品名 | 名称",
        "description": "商品説明 | 説明",
        "price": "販売価格 | 価格 | 単価 | 通常価格",
        "active": "公開 | 有効",
    },
    "Chinese": {
        "sku": "商品编码 | 商品编号 | 货号 | 产品编号 | 商品編號 | 貨號",
        "name": "商品名称 | 产品名称 | 品名 | 商品名稱",
        "description": "商品描述 | 描述 | 产品描述",
        "price": "销售价 | 售价 | 价格 | 单价 | 價格 | 售價",
        "active": "上架 | 启用 | 是否上架",
    },
}

#: Names that say too little: they count only where the cells bear them out.
VAGUE: Final[dict[str, str]] = {
    "sku": "ID | Code | Number | No | # | Nr | Nummer | Num | Key | Model | Symbol"
    " | Identifier | Artikel | Article | Produkt | Product | Item | Material | Teil | Part | Cod"
    " | Artículo"
    " | Articolo | Article ID | Product ID",
    "name": "Artikel | Article | Produkt | Product | Item | Material | Text | Text 1 | Caption"
    " | Label | Headline | Ware | Warentext | Article description | Artículo"
    " | Articolo"
    " | Produit | Producto | Prodotto | Ad",
    "active": "Status | State | Product Status | Availability | Available | Is available | Online"
    " | Live | Listed | For sale | Visibility | Verfügbar | Verfuegbar | Lieferbar | Freigegeben"
    " | Zustand | Statut | Disponible | Estado | Stato | Disponibile | Disponível | Beschikbaar"
    " | Stan | Статус | 表示",
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Marks of currency, tax and language that a name may carry: `Preis (EUR)`, `Name [de]`.
CURRENCIES: Final = _words(
    "eur euro euros usd dollar gbp pound chf sek nok dkk pln zl czk kc huf jpy cny inr try tl rub"
    " uah cad aud nzd brl mxn ron bgn"
)
GROSS: Final = _words(
    "incl inkl included inclusive including inc tax vat mwst ust tva iva btw ttc dph brutto"
    " gross bruto lordo in je per pro each stk stuck stueck unit piece moms kdv"
)
NET: Final = _words(
    "excl exkl excluded exclusive excluding ex ohne zzgl netto net ht neto bez senza sin"
    " without before"
)
LANGUAGES: Final = _words(
    "en de fr es it nl pl pt cs sk sv da no nb fi ru uk tr ja zh us gb at ch be br english german"
    " deutsch french francais spanish espanol italian dutch default"
)

#: What other columns are called, as parts of names: such a column is never taken by its cells.
OTHERS: Final = _words(
    """
    barcode strichcode gtin upca isbn asin mpn codebarre codigodebarras
    stock inventory quantity quantite cantidad quantita bestand lager menge anzahl voorraad ilosc
    category categor kategor rubrik gruppe group collection collectie breadcrumb taxonomy
    weight gewicht poids peso waga grams gramm width height length depth breite hohe hoehe tiefe
    lange laenge durchmesser volume volumen dimension masse size grosse groesse taille talla
    color colour farbe couleur material
    brand marke marque marca merk vendor manufacturer hersteller fabricant fabrikant lieferant
    supplier proveedor fournisseur fornitore parent eltern vater mutter variant option attribut
    attribute swatch
    image picture photo bild foto thumbnail media video gallery alttext
    url link href slug handle website permalink
    tags keyword schlagwort meta seo
    type typ currency wahrung waehrung devise moneda tax steuer mwst vat ust
    date datum fecha created updated modified timestamp zeit erstellt geandert geaendert
    email phone telefon address adresse street city country land ort plz zip
    cost einkauf purchase wholesale compare uvp rrp msrp rabatt discount
    position sort order rank rating review
    user autor author owner kunde customer comment kommentar note notiz bemerkung remark
    warehouse regal shelf location unit einheit vpe packung package shipping versand lieferzeit
    warranty garantie origin herkunft zolltarif customs hscode
    """
)
#: The same where only the whole word counts.
OTHER_WORDS: Final = _words(
    "ean upc qty cat tag img alt ek ve me uom vat date time year jahr line row zeile pos min max"
    " lang locale store shop count sum total rate"
)
