"""The columns, in the order of their names, and those of our own behind them."""

from evenhand.cli.exports.columns import Column, Sort

_DECIMALS = (
    *("BilledCost", "ConsumedQuantity", "ContractedCost", "ContractedUnitPrice", "EffectiveCost"),
    *("ListCost", "ListUnitPrice", "PricingCurrencyContractedUnitPrice"),
    *("PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice", "PricingQuantity"),
)
_MOMENTS = ("BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart")
_TEXTS = (
    *("AvailabilityZone", "BillingAccountId", "BillingAccountName", "BillingAccountType"),
    *("BillingCurrency", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency"),
    *("CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountName"),
    *("CommitmentDiscountStatus", "CommitmentDiscountType", "ConsumedUnit", "InvoiceId"),
    *("InvoiceIssuerName", "PricingCategory", "PricingCurrency", "PricingUnit", "ProviderName"),
    *("PublisherName", "RegionId", "RegionName", "ResourceId", "ResourceName", "ResourceType"),
    *("ServiceCategory", "ServiceName", "ServiceSubcategory", "SkuId", "SkuMeter"),
    *("SkuPriceDetails", "SkuPriceId", "SubAccountId", "SubAccountName", "SubAccountType", "Tags"),
)
_OWN = ("x_Section", "x_OfStatement", "x_Reference", "x_Author", "x_Reason", "x_Request", "x_Cut")

COLUMNS: tuple[Column, ...] = (
    *sorted(
        (
            *(Column(name, Sort.DECIMAL) for name in _DECIMALS),
            *(Column(name, Sort.MOMENT) for name in _MOMENTS),
            *(Column(name) for name in _TEXTS),
        ),
        key=lambda column: column.name,
    ),
    *map(Column, _OWN),
)
"""`x_Section` is usage, late, rounding or correction."""
