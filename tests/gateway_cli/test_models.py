from gateway_cli.models import table


def test_columns_line_up() -> None:
    assert table(("A", "LONGER"), [("aaa", ""), ("b", "c")]) == "A    LONGER\naaa\nb    c"
