"""Which column holds which field: by its name, by what others call it, by what its cells hold."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.rules import FIELDS
from imports.known_headers import NAMES, VAGUE
from imports.mapping import Column, doubts, find_columns, folded, header_digest


def fields(header: list[str], rows: list[list[str]] | None = None) -> dict[str, str]:
    """The header that was found for each field."""
    return {each.field: each.header for each in find_columns(header, rows or []) if each.field}


def how(header: list[str], rows: list[list[str]] | None = None) -> dict[str, str]:
    return {each.field: each.how for each in find_columns(header, rows or []) if each.field}


def cut(line: str, delimiter: str = ",") -> list[str]:
    return next(csv.reader([line], delimiter=delimiter))


EXPORTS = {
    "shopify": (
        "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,"
        "Option1 Value,Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,"
        "Variant Inventory Policy,Variant Fulfillment Service,Variant Price,"
        "Variant Compare At Price,Variant Requires Shipping,Variant Taxable,Variant Barcode,"
        "Image Src,Image Position,Image Alt Text,Gift Card,SEO Title,SEO Description,"
        "Cost per item,Price / International,Status",
        ("Variant SKU", "Title", "Body (HTML)", "Variant Price", "Published"),
    ),
    "shopify, new template": (
        "Title,URL handle,Description,Vendor,Product category,Type,Tags,"
        "Published on online store,Status,SKU,Barcode,Option1 name,Option1 value,Price,"
        "Compare-at price,Cost per item,Charge tax,Inventory quantity,SEO title,SEO description",
        ("SKU", "Title", "Description", "Price", "Published on online store"),
    ),
    "woocommerce": (
        'ID,Type,SKU,"GTIN, UPC, EAN, or ISBN",Name,Published,"Is featured?",'
        '"Visibility in catalog","Short description",Description,"Date sale price starts",'
        '"Date sale price ends","Tax status","Tax class","In stock?",Stock,"Low stock amount",'
        '"Weight (kg)","Allow customer reviews?","Sale price","Regular price",Categories,Tags,'
        "Images,Parent,Position",
        ("SKU", "Name", "Description", "Regular price", "Published"),
    ),
    "woocommerce, german": (
        "ID,Typ,Artikelnummer,Name,Veröffentlicht,Kurzbeschreibung,Beschreibung,Steuerstatus,"
        "Vorrätig?,Lager,Gewicht (kg),Angebotspreis,Regulärer Preis,Kategorien,Bilder",
        ("Artikelnummer", "Name", "Beschreibung", "Regulärer Preis", "Veröffentlicht"),
    ),
    "magento": (
        "sku,store_view_code,attribute_set_code,product_type,categories,product_websites,name,"
        "description,short_description,weight,product_online,tax_class_name,visibility,price,"
        "special_price,special_price_from_date,url_key,meta_title,meta_description,base_image,"
        "created_at,qty,is_in_stock",
        ("sku", "name", "description", "price", "product_online"),
    ),
    "medusa": (
        "Product Id,Product Handle,Product Title,Product Subtitle,Product Description,"
        "Product Status,Product Thumbnail,Product Weight,Product Tags,Variant Id,Variant Title,"
        "Variant SKU,Variant Barcode,Variant Inventory Quantity,Variant Price EUR,"
        "Variant Price USD",
        ("Variant SKU", "Product Title", "Product Description", "Variant Price EUR", None),
    ),
    "amazon": (
        "item-name,item-description,listing-id,seller-sku,price,quantity,open-date,image-url,"
        "item-is-marketplace,product-id-type,asin1,product-id,fulfillment-channel",
        ("seller-sku", "item-name", "item-description", "price", None),
    ),
    "amazon, template": (
        "feed_product_type,item_sku,brand_name,item_name,external_product_id,"
        "external_product_id_type,standard_price,quantity,main_image_url,product_description",
        ("item_sku", "item_name", "product_description", "standard_price", None),
    ),
    "ebay": (
        "Item number,Title,Variation details,Custom label (SKU),Available quantity,Format,Currency,"
        "Start price,Auction Buy It Now price,Reserve price,Current price,Sold quantity",
        ("Custom label (SKU)", "Title", None, "Start price", None),
    ),
    "ebay, file exchange": (
        "*Action(SiteID=US|Country=US|Currency=USD|Version=1193),CustomLabel,*Category,*Title,"
        "*ConditionID,*Description,*Format,*Duration,*StartPrice,*Quantity,PicURL",
        ("CustomLabel", "*Title", "*Description", "*StartPrice", None),
    ),
    "prestashop": (
        "Product ID,Active (0/1),Name *,Categories (x;y;z),Price tax excluded,Tax rules ID,"
        "Wholesale price,On sale (0/1),Reference #,Supplier reference #,EAN13,Quantity,Weight,"
        "Short description,Description,Meta title,URL rewritten",
        ("Reference #", "Name *", "Description", "Price tax excluded", "Active (0/1)"),
    ),
    "german": (
        "Art.-Nr.;Bezeichnung;Beschreibung;EK-Preis;VK-Preis brutto;VK netto;Aktiv;EAN;Bestand",
        ("Art.-Nr.", "Bezeichnung", "Beschreibung", "VK-Preis brutto", "Aktiv"),
    ),
    "french": (
        "Référence;Désignation;Description;Prix HT;Prix TTC;Stock;Code-barres;Actif",
        ("Référence", "Désignation", "Description", "Prix TTC", "Actif"),
    ),
    "spanish": (
        "Referencia;Nombre;Descripción;Precio;Existencias;Código de barras;Activo",
        ("Referencia", "Nombre", "Descripción", "Precio", "Activo"),
    ),
    "italian": (
        "Codice articolo;Nome;Descrizione;Prezzo;Quantità;Attivo",
        ("Codice articolo", "Nome", "Descrizione", "Prezzo", "Attivo"),
    ),
    "dutch": (
        "Artikelnummer;Omschrijving;Naam;Verkoopprijs;Voorraad;Actief",
        ("Artikelnummer", "Naam", "Omschrijving", "Verkoopprijs", "Actief"),
    ),
    "polish": (
        "Kod produktu;Nazwa;Opis;Cena brutto;Cena netto;Stan magazynowy;Aktywny",
        ("Kod produktu", "Nazwa", "Opis", "Cena brutto", "Aktywny"),
    ),
    "japanese": (
        "商品コード,商品名,商品説明,販売価格,在庫数",
        ("商品コード", "商品名", "商品説明", "販売価格", None),
    ),
}


@pytest.mark.parametrize("export", EXPORTS)
def test_usual_export_is_understood_by_its_header_alone(export: str) -> None:
    line, expected = EXPORTS[export]
    header = cut(line, ";" if line.count(";") > line.count(",") else ",")

    assert fields(header) == {
        field: name for field, name in zip(FIELDS, expected, strict=True) if name
    }


def test_a_field_s_own_name_beats_what_others_call_it() -> None:
    found = find_columns(["Artikelnummer", "SKU", "Titel", "Name"])

    assert found == [
        Column("Artikelnummer", rival="sku"),
        Column("SKU", "sku", "name"),
        Column("Titel", rival="name"),
        Column("Name", "name", "name"),
    ]


@pytest.mark.parametrize(
    "name",
    ["sku", "SKU", " s k u ", "\ufeffSku", "s\u200bku", "S-K_U", "SKU*", "SKU:", "\u00a0sku\u00a0",
     "ｓｋｕ", "SKU (required)"],
)  # fmt: skip
def test_case_blanks_marks_and_invisible_characters_of_a_name_don_t_matter(name: str) -> None:
    assert fields([name, "name"])["sku"] == name


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("Référence", "REFERENCE"),
        ("Art.-Nr.", "art nr"),
        ("Verfügbar", "verfugbar"),
        ("Kod produktu", "KOD_PRODUKTU"),
    ],
)
def test_accents_don_t_matter(name: str, same: str) -> None:
    assert folded(name) == folded(same)


@pytest.mark.parametrize(
    "name",
    ["Price (EUR)", "price_usd", "Preis in €", "Preis inkl. MwSt.", "VK-Preis (brutto)", "Prix HT"],
)
def test_price_may_carry_its_currency_and_tax(name: str) -> None:
    assert fields(["sku", "name", name])["price"] == name


@pytest.mark.parametrize("name", ["Preis (EK)", "Price (old qty)", "Price (10 pcs)", "Price list"])
def test_price_of_something_else_is_left_out(name: str) -> None:
    assert "price" not in fields(["sku", "name", name])


def test_gross_price_beats_the_net_one() -> None:
    assert fields(["sku", "name", "Preis netto", "Preis brutto"])["price"] == "Preis brutto"


def test_text_may_carry_its_language_and_the_first_is_taken() -> None:
    found = find_columns(["sku", "Name [de]", "name_en"])

    assert [column.field for column in found] == ["sku", "name", ""]
    assert [message for code, message in doubts(found) if code == "second_column"] == [
        '"name_en" may hold the name as well as "Name [de]", which comes first and was taken. If'
        " that is wrong, choose the other one."
    ]


def test_worse_of_two_columns_is_no_reason_for_doubt() -> None:
    found = find_columns(["SKU", "Name", "Short description", "Description"])

    assert found[2] == Column("Short description", rival="description")
    assert list(doubts(found)) == []


def test_same_name_twice_is_a_doubt() -> None:
    found = find_columns(["sku", "name", "Price", "price"])

    assert [column.field for column in found] == ["sku", "name", "price", ""]
    assert [code for code, _ in doubts(found)] == ["second_column"]


def test_required_column_without_a_filled_cell_gives_way() -> None:
    rows = [["", "A-1", "Bolt"], ["", "A-2", "Nut"]]

    assert fields(["SKU", "Artikelnummer", "Name"], rows)["sku"] == "Artikelnummer"
    assert fields(["SKU", "Artikelnummer", "Name"])["sku"] == "SKU"


STATUS = ["sku", "name", "Status"]


def test_vague_name_of_active_counts_if_its_cells_are_truth_words() -> None:
    rows = [["A-1", "Bolt", "active"], ["A-2", "Nut", ""], ["A-3", "Gear", "Inactive"]]

    assert how(STATUS, rows)["active"] == "synonym"


@pytest.mark.parametrize("word", ["backorder", "in stock", "17"])
def test_vague_name_of_active_does_not_count_otherwise(word: str) -> None:
    rows = [["A-1", "Bolt", "active"], ["A-2", "Nut", word]]

    assert "active" not in how(STATUS, rows)
    assert "active" not in how(STATUS)


SHOPIFY = ["Title", "Variant SKU", "Variant Price", "Published", "Status"]


def test_status_of_a_shop_decides_beside_what_is_published() -> None:
    rows = [["Bolt", "A-1", "1.50", "true", "draft"], ["Nut", "A-2", "2.50", "true", "Active"]]
    found = find_columns(SHOPIFY, [[cell.lower() for cell in row] for row in rows])

    assert found[3:] == [Column("Published", rival="active"), Column("Status", "active", "synonym")]
    assert list(doubts(found)) == [
        (
            "second_column",
            '"Published" may hold “active” as well as "Status", which was taken. If that is wrong,'
            " choose the other one.",
        )
    ]


def test_other_status_gives_way_to_what_is_published() -> None:
    rows = [["Bolt", "A-1", "1.50", "true", "yes"], ["Nut", "A-2", "2.50", "false", "no"]]
    found = find_columns(SHOPIFY, rows)

    assert fields(SHOPIFY, rows)["active"] == "Published"
    assert [code for code, _ in doubts(found)] == ["second_column"]


def test_price_that_no_name_tells_is_told_of_with_the_columns_that_are_not_used() -> None:
    assert list(doubts(find_columns(["Artikelnr", "Titel", "EK-Preis", "UVP"]))) == [
        (
            "price_not_found",
            'No column was taken for the price; not imported: "EK-Preis", "UVP". If one of them'
            " holds the price, choose it.",
        )
    ]
    many = find_columns(["sku", "name", *"abcdefg"])
    assert '"a", "b", "c", "d", "e", …' in next(doubts(many))[1]


@pytest.mark.parametrize(
    "header", [["sku", "name"], ["sku", "name", "", "error"], ["sku", "name", "price", "EK"]]
)
def test_nothing_is_said_of_a_price_where_no_column_may_hold_it(header: list[str]) -> None:
    assert list(doubts(find_columns(header))) == []


def test_header_that_is_marked_as_a_remark_is_known() -> None:
    assert fields(["#sku", "name"]) == {"sku": "#sku", "name": "name"}
    assert fields(["#Artikelnummer", "Name"])["sku"] == "#Artikelnummer"
    assert fields(["name", "#sku"]) == {"name": "name"}


PARTS = [
    ["BRG-6204", "Ball bearing 6204", "12.90", "4006381333931", "7"],
    ["HXB-M8X40", "Hex bolt M8", "4.85", "4006381333948", "12"],
    ["GER-20T", "Spur gear 20 teeth", "31.00", "4006381333955", "9"],
]


def test_columns_without_a_known_name_are_taken_by_their_cells_and_that_is_a_doubt() -> None:
    found = find_columns(["Spalte A", "Spalte B", "Spalte C", "EAN", "Foo"], PARTS)

    assert [(column.field, column.how) for column in found] == [
        ("sku", "content"), ("name", "content"), ("", ""), ("", ""), ("", ""),
    ]  # fmt: skip
    assert [code for code, _ in doubts(found)] == [
        *["mapped_by_content"] * 2,
        "price_not_found",
    ]
    assert next(doubts(found))[1] == (
        'Nothing names the SKU, so "Spalte A" was taken for it by what its cells look like.'
        " If that is wrong, choose another column."
    )


def test_vague_name_is_preferred_among_columns_that_fit() -> None:
    rows = [[cells[0], f"X{cells[0]}", cells[1]] for cells in PARTS]

    assert fields(["Foo", "Code", "name"], rows)["sku"] == "Code"


def test_nothing_is_guessed_when_two_columns_fit() -> None:
    rows = [[cells[0], f"X{cells[0]}", cells[1]] for cells in PARTS]

    assert fields(["Foo", "Bar", "name"], rows) == {"name": "name"}


@pytest.mark.parametrize(
    "name",
    ["EAN", "Herstellernummer", "Lagerbestand", "Supplier SKU", "Variant Title", "Kategorie 1",
     "Image URL", "Bestellmenge", "Gewicht", "Parent SKU", "MPN"],
)  # fmt: skip
def test_column_whose_name_says_something_else_is_never_guessed_at(name: str) -> None:
    assert fields([name, "Name"], [cells[:2] for cells in PARTS]) == {"name": "Name"}


@pytest.mark.parametrize(
    "codes",
    [
        ["A-1", "", "A-3"],
        ["A-1", "A-1", "A-3"],
        ["1", "2", "3"],
        ["12.50", "3.99", "7.25"],
        ["2024-01-31", "2024-02-01", "2024-05-17"],
        ["4006381333931", "4006381333948", "4006381333955"],
        ["red", "green", "blue"],
        ["A long sentence 1", "A long sentence 2", "A long sentence 3"],
    ],
)
def test_what_is_no_list_of_codes_is_no_sku(codes: list[str]) -> None:
    rows = [[code, cells[1]] for code, cells in zip(codes, PARTS, strict=True)]

    assert fields(["Foo", "Name"], rows) == {"name": "Name"}


def test_few_rows_are_no_ground_for_a_guess() -> None:
    assert fields(["Foo", "Bar"], [cells[:2] for cells in PARTS[:2]]) == {}


def test_no_name_of_the_table_stands_for_two_fields() -> None:
    fields_of: dict[str, set[str]] = {}
    for table in NAMES.values():
        for field, listed in table.items():
            for name in filter(None, map(str.strip, listed.split("|"))):
                fields_of.setdefault(folded(name), set()).add(field)

    assert {name for name, several in fields_of.items() if len(several) > 1} == set()
    assert all(set(table) == set(FIELDS) for table in NAMES.values())
    vague = {folded(name) for listed in VAGUE.values() for name in listed.split("|")}
    assert vague & fields_of.keys() == set()


KNOWN = {name.strip() for table in NAMES.values() for listed in table.values()
         for name in listed.split("|")}  # fmt: skip


@given(
    header=st.lists(
        st.one_of(
            st.sampled_from(sorted(KNOWN | {"Status", "Code", "EAN", *FIELDS})),
            st.text(max_size=12),
        ),
        max_size=12,
    ),
    cells=st.lists(st.lists(st.text(max_size=9), max_size=14), max_size=6),
)
def test_no_field_is_given_twice_and_each_column_keeps_its_place(
    header: list[str], cells: list[list[str]]
) -> None:
    found = find_columns(header, cells)

    given_fields = [column.field for column in found if column.field]
    assert len(given_fields) == len(set(given_fields))
    assert set(given_fields) <= set(FIELDS)
    assert [column.header for column in found] == header
    assert all(bool(column.how) == bool(column.field) for column in found)
    assert all(not (column.rival and column.field) for column in found)
    assert len(list(doubts(found))) <= len(header)


def test_digest_is_that_of_the_names_in_their_order() -> None:
    assert header_digest(["SKU", "Name "]) == header_digest(["\ufeffsku", "name"])
    assert header_digest(["sku", "name"]) != header_digest(["name", "sku"])
    assert header_digest(["sku", "name"]) != header_digest(["sku", "name", ""])
    assert header_digest(["a|b"]) != header_digest(["a", "b"])
    assert header_digest(["%"]) != header_digest(["!"])
    assert len(header_digest(["\ud800"])) == 64
