"""Where the table stands in a file, and which rows are mended: understanding.tables and fitting."""

import io
import tracemalloc

import pytest

from imports.tests.inspecting import doubts, lines, products, table, understood
from imports.understanding.inspection import Notes, inspect, read_rows, with_notes

HEADER = ["sku", "name", "price"]
BODY = [["A1", "Bolt", "1.50"], ["A2", "Nut", "2.50"], ["A3", "Pin", "3.50"], ["A4", "Cap", "4.50"]]


def csv(rows: list[list[str]]) -> str:
    return lines(*[",".join(row) for row in rows])


@pytest.mark.parametrize(
    "preamble",
    [
        "Price list 2024\n\n",
        "Price list 2024,,\nvalid from May,,\n,,\n",
        "Preisliste für Händler\n",
        "Created by ACME ERP, version 7\n\n",
        "Report,Sales,\nDate,2024-05-01,\n",
        "Export\nReport: prices\nDate: 2024-05-01\n\n",
    ],
)
def test_lines_before_the_header_are_left_out(preamble: str) -> None:
    found, rows = understood(preamble + csv([HEADER, *BODY]))

    assert found.preamble_lines == preamble.count("\n")
    assert rows == [HEADER, *BODY]


def test_names_over_several_rows_are_joined() -> None:
    found, rows = understood(
        csv(
            [
                ["", "Size", "", "Price", ""],
                ["sku", "mm", "inch", "net", "gross"],
                ["A1", "10", "0.4", "1.5", "1.8"],
                ["A2", "20", "0.8", "2.5", "2.9"],
            ]
        )
    )

    assert found.header_lines == 2
    assert rows[0] == ["sku", "Size mm", "Size inch", "Price net", "Price gross"]
    assert len(rows) == 3


def test_a_row_of_units_belongs_to_the_header() -> None:
    assert table(
        csv(
            [["sku", "width", "weight"], ["", "mm", "kg"], ["A1", "10", "1.5"], ["A2", "20", "2.5"]]
        )
    )[0] == [
        "sku",
        "width mm",
        "weight kg",
    ]


def test_a_first_row_like_the_others_is_no_header() -> None:
    found, rows = understood(csv(BODY))

    assert (found.header_lines, found.header) == (0, ())
    assert rows == BODY
    assert "no_header" in doubts(found)


def test_a_header_of_nothing_but_texts_above_texts_is_a_doubt() -> None:
    found, rows = understood(
        csv([["name", "color"], ["Bolt", "red"], ["Nut", "blue"], ["Pin", "green"]])
    )

    assert rows[0] == ["name", "color"]
    assert "header_guessed" in doubts(found)


def test_years_above_figures_are_names() -> None:
    rows = [
        ["country", "2021", "2022", "2023"],
        ["France", "10", "20", "30"],
        ["Spain", "11", "21", "31"],
    ]

    assert understood(csv(rows))[0].header == ("country", "2021", "2022", "2023")


def test_months_above_figures_are_names() -> None:
    rows = [["shop", "01.2024", "02.2024"], ["North", "1.5", "2.5"], ["South", "3.5", "4.5"]]

    assert understood(csv(rows))[0].header == ("shop", "01.2024", "02.2024")


def test_a_header_that_lacks_a_name_is_read_from_the_left_and_told() -> None:
    found, rows = understood(csv([["price", "weight"], ["A1", "1.5", "10"], ["A2", "2.5", "20"]]))

    assert rows[0] == ["price", "weight", ""]
    assert [(each.code, each.line) for each in found.doubts] == [("short_header", 1)]


def test_an_empty_name_too_many_within_the_header_is_dropped() -> None:
    assert table(csv([["sku", "", "name", "price"], *BODY])) == [HEADER, *BODY]


def test_names_of_one_row_stand_as_they_are_and_joined_ones_without_blanks_around() -> None:
    groups = [["", "Size ", "", "Cost", ""], ["sku ", " mm", "inch ", "net", "gross"]]
    body = [["A1", "10", "0.4", "1.5", "2.5"], ["A2", "20", "0.8", "2.5", "3.5"]]

    assert table(csv([["sku ", " name", "price"], *BODY]))[0] == ["sku ", " name", "price"]
    assert table(csv([*groups, *body]))[0][:3] == ["sku", "Size mm", "Size inch"]


def test_groups_and_names_of_single_columns_may_share_the_upper_row() -> None:
    rows = table(
        csv(
            [
                ["Shop", "Staff", "", "Cost", ""],
                ["", "Heads", "Hours", "Wages", "Other"],
                *[[f"S{n}", f"{n}", f"{n}.5", f"1{n}", f"2{n}"] for n in range(1, 7)],
            ]
        )
    )

    assert rows[0] == ["Shop", "Staff Heads", "Staff Hours", "Cost Wages", "Cost Other"]
    assert len(rows) == 7


def test_a_word_below_one_name_belongs_to_the_header() -> None:
    body = [["North", "10", "20"], ["South", "11", "21"], ["West", "12", "22"]]

    assert table(csv([["shop", "2023", "2024"], ["", "", "restated"], *body])) == [
        ["shop", "2023", "2024 restated"],
        *body,
    ]


def test_trailing_delimiters_make_no_column() -> None:
    assert table("sku,name,price\n" + lines(*[",".join(row) + "," for row in BODY])) == [
        HEADER,
        *BODY,
    ]


def test_missing_cells_at_the_end_are_empty() -> None:
    found, rows = understood(
        csv(
            [
                [*HEADER, "note"],
                ["A1", "Bolt", "1.5", "x"],
                ["A2", "Nut", "2.5"],
                ["A3", "Pin", "3.5"],
                ["A4", "Cap", "4.5", "y"],
            ]
        )
    )

    assert rows[2] == ["A2", "Nut", "2.5", ""]
    assert doubts(found) == []


def test_rows_that_lack_other_cells_are_named() -> None:
    found, _ = understood(csv([HEADER, *BODY, ["Lid", "5.50"], *BODY]))

    [doubt] = [each for each in found.doubts if each.code == "short_rows"]
    assert doubt.line == 6
    assert "Lid" in doubt.message


def test_rows_with_cells_too_many_are_kept_and_named() -> None:
    found, rows = understood(csv([HEADER, *BODY, ["A5", "Lid", "wide", "5.50"], *BODY]))

    assert rows[5] == ["A5", "Lid", "wide", "5.50"]
    assert [(each.code, each.line) for each in found.doubts] == [("long_rows", 6)]


def test_an_empty_cell_too_many_is_dropped_where_the_columns_show_which() -> None:
    found, rows = understood(csv([HEADER, *BODY, ["A5", "", "Lid", "5.50"], *BODY]))

    assert rows[5] == ["A5", "Lid", "5.50"]
    assert "extra_cell" in doubts(found)


def test_blank_rows_are_no_rows() -> None:
    assert table("sku,name,price\n\nA1,Bolt,1.50\n,,\nA2,Nut,2.50\n\n\n") == [HEADER, *BODY[:2]]


@pytest.mark.parametrize(
    "footer",
    [
        "\nGenerated by Acme ERP 7.2\n",
        "\n(c) Acme Ltd. All rights reserved.\n",
        "\nPrices without tax,,\n",
        "4 rows exported\n",
    ],
)
def test_notes_behind_the_table_are_left_out(footer: str) -> None:
    found, rows = understood(csv([HEADER, *BODY]) + footer)

    assert rows == [HEADER, *BODY]
    assert (found.footer_lines, doubts(found)) == (1, ["footer"])


@pytest.mark.parametrize(
    "second",
    [
        "\nshop,city\nNorth,Oslo\nSouth,Rome\nWest,Cork\n",
        "\nShops,,\nshop,city,code\nNorth,Oslo,12\nSouth,Rome,13\nWest,Cork,14\n",
    ],
)
def test_the_first_of_two_tables_is_meant_and_the_other_named(second: str) -> None:
    found, rows = understood(csv([HEADER, *BODY]) + second)

    assert rows == [HEADER, *BODY]
    assert "second_table" in doubts(found)


def test_a_total_is_kept_and_named() -> None:
    found, rows = understood(csv([HEADER, *BODY, ["Total", "", "12.00"]]))

    assert rows[-1] == ["Total", "", "12.00"]
    assert [(each.code, each.line) for each in found.doubts] == [("total_row", 6)]


def test_rows_that_often_end_early_are_filled_up_and_not_parted() -> None:
    body = [f"A{n},Bolt,{10 + n}" + (",new" if n % 3 else "") for n in range(60)]
    found, rows = understood(lines("sku,name,stock,note", *body))

    assert rows[1] == ["A0", "Bolt", "10", ""]
    assert "missing_delimiter" not in doubts(found)


def test_a_header_on_each_page_is_left_out() -> None:
    page = csv([HEADER, *BODY])

    assert table(page * 4) == [HEADER, *BODY * 4]


@pytest.mark.parametrize("between", ["", "\nOld stock\n\n", ",,\nOld stock,,\n"])
def test_rows_below_the_same_header_are_rows_of_the_same_table(between: str) -> None:
    found, rows = understood(csv([HEADER, *BODY]) + between + csv([HEADER, ["B1", "Lid", "5.50"]]))

    assert rows == [HEADER, *BODY, ["B1", "Lid", "5.50"]]
    assert doubts(found) == ["header_again"]


def test_the_last_row_is_a_row_even_if_it_is_one_cell() -> None:
    found, rows = understood(csv([HEADER, *BODY]) + "A5\n")

    assert rows[-1] == ["A5", "", ""]
    assert [(each.code, each.line) for each in found.doubts] == [("short_rows", 6)]


def test_a_mark_of_the_files_end_is_no_row() -> None:
    assert table(csv([HEADER, *BODY]) + "\x1a") == [HEADER, *BODY]


def test_a_figure_at_the_end_of_a_short_row_is_never_parted() -> None:
    body = [f"A{n},Bolt,{10 + n % 80},{n % 9}" for n in range(60)]
    found, rows = understood(lines("sku,name,stock,place", *body, "B1,Lid,40"))

    assert rows[-1] == ["B1", "Lid", "40", ""]
    assert [(each.code, each.line) for each in found.doubts] == [("short_rows", 62)]


def test_figures_are_not_parted_from_figures_where_a_delimiter_is_missing() -> None:
    body = [f"A{n},{10 + n % 80},{n % 9},Bolt" for n in range(60)]
    found, rows = understood(lines("sku,stock,place,name", *body, "B1,405,Lid"))

    assert rows[-1] == ["B1", "405", "Lid", ""]
    assert doubts(found) == ["short_rows"]


def test_a_price_behind_a_code_without_a_delimiter_is_parted_from_it() -> None:
    body = [f"HX-1{n},${n}.50,Bolt" for n in range(10, 40)]
    found, rows = understood(lines("sku,price,name", *body, "HX-200$0.9,Lid", "HX-201,$3.50Cap"))

    assert rows[-2:] == [["HX-200", "$0.9", "Lid"], ["HX-201", "$3.50", "Cap"]]
    assert doubts(found) == ["missing_delimiter"]


def test_a_row_whose_quotes_are_sound_keeps_its_cells_whatever_their_number() -> None:
    rows = table('"sku","name","price"\n"A1","Bolt","1.50";"\n"\n'.replace(",", ";"))

    assert rows == [HEADER, ["A1", "Bolt", "1.50", "\n"]]


def test_a_doubled_quote_at_the_end_of_a_cell_is_sound() -> None:
    body = [f'2024-05-{10 + n},0{n % 9}:15,"Bolt, {n}"' for n in range(15)]
    odd = '2024-05-3002:30,"Table, round 48"""'
    found, rows = understood(lines("day,time,name", *body, odd))

    assert rows[-1] == ["2024-05-30", "02:30", 'Table, round 48"']
    assert doubts(found) == ["missing_delimiter"]


def test_a_backslash_escapes_where_nothing_else_gives_the_row_its_width() -> None:
    body = [f'A{n},"Bolt, {n}",{n}.50' for n in range(3_500)]
    found, rows = understood(lines("sku,name,price", *body, r'B1,"Lid, \"big\" one",1.50'))

    assert rows[-1] == ["B1", 'Lid, "big" one', "1.50"]
    assert doubts(found) == ["escaped_quote"]


def test_a_stray_quote_is_a_letter_when_that_gives_the_row_its_width() -> None:
    body = [f'A{n},"Bolt, {n}",{n}.50' for n in range(8)]
    found, rows = understood(lines("sku,name,price", *body[:4], '"A9,"Lid, big",9.50', *body[4:]))

    assert rows[5] == ['"A9', "Lid, big", "9.50"]
    assert [(each.code, each.line) for each in found.doubts] == [("stray_quote", 6)]


def test_inches_within_a_cell_are_no_quotes() -> None:
    found, rows = understood(
        lines("sku,name,price", *[f'A{n},Pipe {n}" wide,{n}.50' for n in range(5)])
    )

    assert rows[1] == ["A0", 'Pipe 0" wide', "0.50"]
    assert doubts(found) == []


def test_a_quote_that_is_never_closed_does_not_swallow_the_rest() -> None:
    found, rows = understood(
        lines(
            *products(count=8, names=['"Bolt, big"', "Nut"]),
            'HX-200,"Lid,9.50',
            "HX-201,Cap,3.50",
            "HX-202,Rod,4.50",
        )
    )

    assert [row[0] for row in rows[-3:]] == ["HX-200", "HX-201", "HX-202"]
    assert rows[-3][1] == '"Lid'
    assert "stray_quote" in doubts(found)


def test_a_row_cut_by_another_delimiter_is_cut_by_it() -> None:
    found, rows = understood(csv([HEADER, *BODY]) + "A5;Lid;5.50\n" + csv(BODY))

    assert rows[5] == ["A5", "Lid", "5.50"]
    assert [(each.code, each.line) for each in found.doubts] == [("other_delimiter", 6)]


def test_a_row_of_words_is_cut_by_blanks_only_where_it_fits_the_columns() -> None:
    body = [f"2024-05-{10 + n},HX-1{n},Bolt {n},1.5{n % 9}" for n in range(9)]
    head = '"day","sku",name,price'
    found, rows = understood(lines(head, *body, '2024-05-30 HX-200 Hex nut "2.50"', *body))

    assert rows[10] == ["2024-05-30", "HX-200", "Hex nut", "2.50"]
    assert "other_delimiter" in doubts(found)


def test_two_cells_without_a_delimiter_are_parted_where_their_shapes_meet() -> None:
    rows = [[f"2024-05-{10 + n}", f"0{n % 9}:15", f"Bolt {n}"] for n in range(30)]
    text = csv([["day", "time", "name"], *rows]).replace("2024-05-20,01:15", "2024-05-2001:15")
    found, got = understood(text)

    assert got[11] == ["2024-05-20", "01:15", "Bolt 10"]
    assert "missing_delimiter" in doubts(found)


def test_a_cell_may_be_longer_than_the_csv_module_likes() -> None:
    plain = [f'A{n},"Bolt, {n}",{n}.50' for n in range(10_000)]
    long = "a, b " * 40_000

    assert table(lines("sku,name,price", *plain, f'B1,"{long}",1.50'))[-1] == ["B1", long, "1.50"]


def test_quotes_may_come_late() -> None:
    plain = [f"A{n},Bolt,{n}.50" for n in range(20_000)]

    assert table(lines("sku,name,price", *plain, 'B1,"Lid, ""big""",1.50'))[-1] == [
        "B1",
        'Lid, "big"',
        "1.50",
    ]


def test_a_note_at_the_end_of_a_long_file_is_left_out() -> None:
    plain = [f"A{n},Bolt,{n}.50" for n in range(20_000)]
    found, rows = understood(lines("sku,name,price", *plain, "", "Generated by Acme ERP 7.2"))

    assert (found.footer_lines, len(rows)) == (1, 20_001)


def test_the_same_header_far_behind_the_beginning_is_left_out_and_told() -> None:
    plain = [f"A{n},Bolt,{n}.50" for n in range(20_000)]
    content = lines("sku,name,price", *plain, "sku,name,price", "B1,Lid,1.50").encode()
    source = io.BytesIO(content)
    found, notes = inspect(source), Notes()

    rows = list(read_rows(source, found, notes=notes))

    assert rows[-2:] == [["A19999", "Bolt", "19999.50"], ["B1", "Lid", "1.50"]]
    assert (doubts(found), doubts(with_notes(found, notes))) == ([], ["header_again"])


def test_row_that_opens_with_a_mark_and_goes_on_within_quotes_is_no_remark() -> None:
    rows = [
        ["name", "text", "sku"],
        ["Bolt", "a", "A1"],
        ["#1 nut", "b\nc", "A2"],
        ["Pin", "", "A3"],
    ]
    text = 'name;text;sku\nBolt;a;A1\n#1 nut;"b\nc";A2\nPin;;A3\n'

    assert understood(text)[1] == rows


@pytest.mark.parametrize(
    "drawn",
    [
        "| id | name |\n|---:|:-----|\n| 1 | x |\n| 2 | y z |\n",
        "# Title\n\n| id | name |\n| - | - |\n| 1 | x |\n| 2 | y z |\n",
        "+----+-----+\n| id | name |\n+----+-----+\n|  1 | x   |\n|  2 | y z |\n+----+-----+\n",
        " id | name \n----+------\n  1 | x\n  2 | y z\n(2 rows)\n",
    ],
)
def test_tables_drawn_with_bars_and_rules_are_read_without_them(drawn: str) -> None:
    found, rows = understood(drawn)

    assert rows == [["id", "name"], ["1", "x"], ["2", "y z"]]
    assert found.ruled


def test_an_escaped_bar_in_a_drawn_table_is_a_letter() -> None:
    assert table("| id | name |\n|---|---|\n| 1 | x \\| y |\n| 2 | z |\n") == [
        ["id", "name"],
        ["1", "x | y"],
        ["2", "z"],
    ]


def test_dashes_in_a_plain_table_are_cells() -> None:
    found, rows = understood("a,b\n---,---\n1,2\n")

    assert rows == [["a", "b"], ["---", "---"], ["1", "2"]]
    assert not found.ruled


def test_rows_of_a_first_cell_alone_are_not_kept_in_memory() -> None:
    text = lines("a,b", *["1,2"] * 20, *["title"] * 100_000)
    found = inspect(io.BytesIO(text.encode()))
    rows = read_rows(io.BytesIO(text.encode()), found)
    for _ in range(1_000):
        next(rows)
    tracemalloc.start()

    count = sum(1 for _ in rows)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 99_021
    assert peak < 1 << 20


def test_a_word_is_not_parted_for_a_cell_that_is_missing() -> None:
    rows = [["n", "size", "word"], *([str(each), f"{each}.5", "ab"] for each in range(8))]
    rows[3][1] = "beta"

    assert table(csv([*rows, ["8", "Straße"]]))[-1] == ["8", "Straße", ""]
