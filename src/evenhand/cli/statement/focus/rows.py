"""A statement in rows of FOCUS: what was sold of each SKU on each day, what rounding took off, and
corrections.

What a row of a SKU costs is its quantity times its price, exactly. The ledger rounds each request down
to a billionth, once; the difference is a row of its own, so that the rows add up to the statement.
"""

import json
from collections.abc import Iterator
from datetime import date, timedelta

from evenhand.cli.exports.columns import Row, Sort, Table, Value
from evenhand.cli.exports.csv_file import cell
from evenhand.cli.statement.focus.focus_columns import COLUMNS
from evenhand.cli.statement.focus.skus import Sold, sold
from evenhand.cli.statement.statement import Statement
from evenhand.cli.usage.period import day_ms
from evenhand.stores.correction_query import BookedCorrection
from evenhand.stores.usage_line import Group, UsageLine

FOCUS_BY = ("tenant", "application", "key", "model", "day", "price")
"""How a statement must be grouped for it."""

_NO_CURRENCY = 3 * "X"
"""ISO 4217's word for none: of what has no price."""
_FINEST = 15
"""Decimals of a cost."""

Fields = dict[str, Value]


def focus_table(statement: Statement) -> Table:
    """`statement` is by FOCUS_BY."""
    assert statement.by == FOCUS_BY
    return Table(COLUMNS, list(_rows(statement)))


def _rows(statement: Statement) -> Iterator[Row]:
    figures = statement.figures
    whole = _whole(statement)
    for group, line in figures.lines.items():
        yield from _line(statement, whole | {"x_Section": "usage"}, group, line)
    for late_group, line in figures.late.items():
        late: Fields = {"ChargeClass": "Correction", "x_OfStatement": str(late_group[0])}
        yield from _line(statement, whole | late | {"x_Section": "late"}, late_group[1:], line)
    for each in figures.corrections:
        yield whole | _correction(each)


def _whole(statement: Statement) -> Fields:
    """What all rows have in common; what a row does not set is null."""
    number, period = statement.number, statement.period
    return {column.name: None for column in COLUMNS} | {
        "BillingAccountId": statement.tenant,
        "BillingAccountName": statement.tenant,
        "BillingAccountType": "Tenant",
        "BillingPeriodStart": period.from_ms,
        "BillingPeriodEnd": period.to_ms,
        "ChargeFrequency": "Usage-Based",
        "InvoiceId": None if number is None else f"statement-{number}",
        "InvoiceIssuerName": "Evenhand",
        "ProviderName": "Evenhand",
        "PublisherName": "Evenhand",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": "LLM Inference",
        "ServiceSubcategory": "Generative AI",
        "x_Cut": str(statement.figures.cut),
    }


def _line(statement: Statement, whole: Fields, group: Group, line: UsageLine) -> Iterator[Row]:
    tenant, application, key, model, day, price_number, currency = group
    common = whole | _whose(tenant, application, key, model, currency) | _on(day)
    price = statement.figures.prices[int(price_number)]
    exact = 0
    for one in sold(line, price):
        exact += one.cost
        yield common | _sku(one, model, price.number)
    posted = line.nano[currency] * 10 ** (_FINEST - 9) if currency else 0
    if posted != exact:
        yield (
            common
            | _flat(posted - exact)
            | {
                "ChargeCategory": "Adjustment",
                "ChargeDescription": "Rounding: each request costs whole billionths, rounded down",
                "x_Section": "rounding",
            }
        )


def _whose(tenant: str, application: str, key: str, model: str, currency: str) -> Fields:
    return {
        "BillingCurrency": currency or _NO_CURRENCY,
        "PricingCurrency": currency or _NO_CURRENCY,
        "ResourceId": model,
        "ResourceName": model,
        "ResourceType": "Model",
        "SubAccountId": tenant,
        "SubAccountName": tenant,
        "SubAccountType": "Tenant",
        "Tags": _json({"application": application, "key": key}),
    }


def _on(day: str) -> Fields:
    first = date.fromisoformat(day)
    return {
        "ChargePeriodStart": day_ms(first),
        "ChargePeriodEnd": day_ms(first + timedelta(days=1)),
    }


def _sku(one: Sold, model: str, price_number: int) -> Fields:
    sku, unit = one.sku, _decimal(one.unit_nano, 9)
    quantity = _decimal(one.count * 10**6 // (sku.unit_size * sku.count_size), 6)
    return _flat(one.cost) | {
        "ChargeCategory": "Usage",
        "ChargeDescription": f"{sku.meter} of {model}",
        "ConsumedQuantity": _decimal(one.count * 10**6 // sku.count_size, 6),
        "ConsumedUnit": sku.consumed_unit,
        "ContractedUnitPrice": unit,
        "ListUnitPrice": unit,
        "PricingCategory": "Standard",
        "PricingCurrencyContractedUnitPrice": unit,
        "PricingCurrencyListUnitPrice": unit,
        "PricingQuantity": quantity,
        "PricingUnit": sku.pricing_unit,
        "SkuId": f"{model}/{sku.name}",
        "SkuMeter": sku.meter,
        "SkuPriceDetails": _json({"x_Model": model, "x_Price": price_number}),
        "SkuPriceId": f"price-{price_number}/{sku.name}",
    }


def _flat(cost: int) -> Fields:
    """The same by all measures of cost: there are no discounts, and what is billed is what it costs."""
    text = _decimal(cost, _FINEST)
    names = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost")
    return dict.fromkeys((*names, "PricingCurrencyEffectiveCost"), text)


def _correction(each: BookedCorrection) -> Fields:
    day = cell(each.at_ms, Sort.MOMENT)[:10]
    whose = _whose(each.tenant, each.application, each.key, each.model, each.currency)
    return (
        whose
        | _on(day)
        | _flat(each.nano * 10 ** (_FINEST - 9))
        | {
            "ChargeCategory": "Credit" if each.nano < 0 else "Adjustment",
            "ChargeClass": "Correction",
            "ChargeDescription": f"Correction {each.reference}: {each.reason}",
            "ChargeFrequency": "One-Time",
            "x_Section": "correction",
            "x_Reference": each.reference,
            "x_Author": each.author,
            "x_Reason": each.reason,
            "x_Request": each.request,
        }
    )


def _json(content: dict[str, str | int]) -> str:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)


def _decimal(count: int, decimals: int) -> str:
    """Exact decimal text of `count` times 10^-decimals, with one decimal at least: whoever guesses types
    from a file takes the column for decimal numbers, whatever is in it."""
    sign, count = ("-", -count) if count < 0 else ("", count)
    whole, rest = divmod(count, 10**decimals)
    return f"{sign}{whole}.{f'{rest:0{decimals}d}'.rstrip('0') or '0'}"
