import pytest

from domain.written_numbers import DecimalSigns, decimal_signs


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["12.50", "1,234"], DecimalSigns(point="12.50", either="1,234")),
        (["1.234,50", "1.234"], DecimalSigns(comma="1.234,50", either="1.234")),
        (["$1,234.567"], DecimalSigns(point="$1,234.567")),
        (["-0.123"], DecimalSigns(point="-0.123")),
        (["1234.567"], DecimalSigns(point="1234.567")),
        (["1.234.567 EUR"], DecimalSigns(comma="1.234.567 EUR")),
        (["(1'234,5)"], DecimalSigns(comma="(1'234,5)")),
        (["12", "", "n/a"], DecimalSigns()),
        (["1.5", "1,5"], DecimalSigns(point="1.5", comma="1,5")),
    ],
)
def test_a_number_tells_its_decimal_sign_where_it_can_have_no_other(texts, found) -> None:
    assert decimal_signs(texts) == found
