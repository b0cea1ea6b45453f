"""Exports of shop systems, in their usual column names; old ERPs and scrapers."""

import json
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from benchmarks.corpus.content import Language, Row, Sheet, name_of, number, sku_of, text_of

SHOPIFY = (
    "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,"
    "Option1 Value,Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,"
    "Variant Inventory Policy,Variant Fulfillment Service,Variant Price,Variant Compare At Price,"
    "Variant Requires Shipping,Variant Taxable,Variant Barcode,Image Src,Image Position,"
    "Image Alt Text,Gift Card,SEO Title,SEO Description,Status"
)
WOOCOMMERCE = (
    "ID;Type;SKU;GTIN, UPC, EAN, or ISBN;Name;Published;Is featured?;Visibility in catalog;"
    "Short description;Description;Tax status;In stock?;Stock;Backorders allowed?;Weight (kg);"
    "Sale price;Regular price;Categories;Tags;Images"
)
MAGENTO = (
    "sku,store_view_code,attribute_set_code,product_type,categories,product_websites,name,"
    "description,weight,product_online,tax_class_name,visibility,price,special_price,url_key,"
    "created_at,additional_attributes,qty,is_in_stock"
)
MEDUSA = (
    "Product Id,Product Handle,Product Title,Product Description,Product Status,Product Thumbnail,"
    "Product Weight,Product Type,Product Discountable,Variant Id,Variant Title,Variant SKU,"
    "Variant Barcode,Variant Inventory Quantity,Price EUR,Price USD,Option 1 Name,Option 1 Value"
)
AMAZON = (
    "item-name,item-description,listing-id,seller-sku,price,quantity,open-date,image-url,"
    "item-is-marketplace,product-id-type,item-condition,asin1,fulfillment-channel,status"
)
EBAY = (
    "Item number,Title,Variation details,Custom label (SKU),Available quantity,Format,Currency,"
    "Start price,Current price,Sold quantity,Watchers,Start date,End date,Listing site"
)


def shopify(rng: Random, language: Language, count: int) -> Sheet:
    """Variants of a product are rows of their own, with most cells empty."""
    rows: list[Row] = []
    while len(rows) < count:
        title = name_of(rng, language)
        handle = title.casefold().replace(" ", "-").replace(",", "")
        body = f'<p class="body">{text_of(rng, language)}</p>\n<ul><li>{title}</li></ul>'
        for index, size in enumerate(rng.sample(("S", "M", "L", "XL"), rng.randint(1, 3))):
            first = index == 0
            own = (title, body, "Acme", "Hardware > Tools", "Tool", "new, tools", "true", "Size")
            image = f"https://cdn.shop.example/files/{handle}.jpg?v={rng.randint(10**8, 10**9)}"
            rows.append(
                (
                    handle, *(own if first else ("",) * 8), size, sku_of(rng, 0),
                    str(rng.randint(50, 9000)), "shopify", str(rng.randint(0, 80)), "deny",
                    "manual", number(rng.uniform(2, 900), decimal="."), "", "true", "true", "",
                    *((image, "1", title, "false", "", "", "active") if first else ("",) * 7),
                )
            )  # fmt: skip
    return _sheet(SHOPIFY.split(","), rows)


def woocommerce(rng: Random, language: Language, count: int) -> Sheet:
    """Line breaks in descriptions are written as \\n, lists with commas."""
    rows = [
        (
            str(1000 + index), "simple", sku_of(rng, 0), "", name_of(rng, language), "1", "0",
            "visible", text_of(rng, language),
            f"{text_of(rng, language)}\\n\\n<strong>{name_of(rng, language)}</strong>", "taxable",
            "1", str(rng.randint(0, 90)), "0", number(rng.uniform(0.1, 9), decimal="."), "",
            number(rng.uniform(2, 90), decimal="."), "Tools, Tools > Small", "a, b",
            f"https://shop.example/a/{index}.jpg, https://shop.example/b/{index}.jpg",
        )
        for index in range(count)
    ]  # fmt: skip
    return _sheet(WOOCOMMERCE.split(";"), rows)


def magento(rng: Random, language: Language, count: int) -> Sheet:
    """Attributes of one cell are a list of their own, cut by commas."""
    rows = [
        (
            sku_of(rng, 0), "", "Default", "simple", "Default Category/Tools,Default Category/New",
            "base", name_of(rng, language), f"<p>{text_of(rng, language)}</p>",
            number(rng.uniform(0.1, 9), decimal=".", places=4), "1", "Taxable Goods",
            "Catalog, Search", number(rng.uniform(2, 90), decimal=".", places=4), "",
            f"item-{index}", f"{rng.randint(1, 12)}/{rng.randint(1, 28)}/24, 9:1{index % 10} AM",
            f'color=Blue,size="{rng.randint(1, 9)}",brand=Acme', f"{rng.randint(0, 90)}.0000", "1",
        )
        for index in range(count)
    ]  # fmt: skip
    return _sheet(MAGENTO.split(","), rows)


def medusa(rng: Random, language: Language, count: int) -> Sheet:
    """Prices are whole numbers."""
    rows = [
        (
            f"prod_01H{rng.getrandbits(60):015X}", f"item-{index}", name_of(rng, language),
            text_of(rng, language), rng.choice(("published", "draft")),
            f"https://s3.example/{index}.png", str(rng.randint(50, 900)), "", "true",
            f"variant_01H{rng.getrandbits(60):015X}", "Default", sku_of(rng, 0), "",
            str(rng.randint(0, 90)), str(rng.randint(2, 90)), str(rng.randint(2, 90)), "Size", "M",
        )
        for index in range(count)
    ]  # fmt: skip
    return replace(_sheet(MEDUSA.split(","), rows), decimal="")


def amazon(rng: Random, language: Language, count: int) -> Sheet:
    """The report of all listings; quotes in it are letters."""
    rows = [
        (
            f'{name_of(rng, language)} {rng.randint(2, 30)}" / Acme', text_of(rng, language),
            f"{rng.randint(1, 9)}{rng.getrandbits(30):09d}", sku_of(rng, 0),
            number(rng.uniform(2, 90), decimal="."), str(rng.randint(0, 90)),
            f"{rng.randint(2019, 2025)}-05-0{rng.randint(1, 9)} 10:1{index % 10}:05 PDT", "", "y",
            "1", "11", f"B0{rng.getrandbits(36):08X}"[:10], "DEFAULT", "Active",
        )
        for index in range(count)
    ]  # fmt: skip
    return _sheet(AMAZON.split(","), rows)


def ebay(rng: Random, language: Language, count: int) -> Sheet:
    rows = [
        (
            str(rng.randint(10**11, 10**12 - 1)), name_of(rng, language), "", sku_of(rng, 0),
            str(rng.randint(0, 90)), "FIXED_PRICE", "USD",
            number(rng.uniform(2, 90), decimal="."), number(rng.uniform(2, 90), decimal="."),
            str(rng.randint(0, 90)), str(rng.randint(0, 9)),
            f"Mar-{rng.randint(10, 28)}-24 09:1{index % 10}:00 PDT", "", "US",
        )
        for index in range(count)
    ]  # fmt: skip
    return _sheet(EBAY.split(","), rows)


def scraped(rng: Random, language: Language, count: int) -> Sheet:
    """JSON, HTML and line breaks in cells, and addresses with marks of all kinds."""
    rows: list[Row] = []
    for index in range(count):
        title = name_of(rng, language)
        data = json.dumps(
            {"name": title, "offers": [{"price": rng.randint(1, 99), "in": ["a;b", "c|d"]}]},
            ensure_ascii=False,
        )
        html = f'<div class="product" data-id="{index}">\n  <h2>{title}</h2>\n</div>'
        link = f"https://shop.example/p/{index}?a=1&b=2;c=3,4#top"
        price = f"${rng.randint(1, 99)}.{rng.randint(10, 99)}"
        rows.append((str(index), title, price, html, data, link, text_of(rng, language)))
    return _sheet(["id", "title", "price", "html", "json_ld", "url", "notes"], rows)


def erp(rng: Random, language: Language, count: int) -> Sheet:
    """Short names in capitals, numbers with leading zeros, dates without marks, flags J and N."""
    rows = [
        (
            f"{rng.randint(1, 99999):08d}", name_of(rng, language).upper(),
            f"WG{rng.randint(1, 40):03d}", number(rng.uniform(1, 4000), decimal=","),
            rng.choice(("ST", "PK", "M", "KG")),
            f"{rng.randint(2019, 2025)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}",
            rng.choice("JN"), f"{rng.randint(0, 9999):06d}",
        )
        for _ in range(count)
    ]  # fmt: skip
    header = ["ARTNR", "BEZEICHNUNG", "WGR", "VKPREIS", "ME", "AENDDAT", "AKTIV", "BESTAND"]
    return Sheet((tuple(header),), tuple(rows), decimal=",")


def _sheet(header: Sequence[str], rows: Sequence[Row]) -> Sheet:
    return Sheet((tuple(header),), tuple(rows), decimal="." if rows else "")
