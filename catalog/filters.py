"""One FilterSet for every way to look at products."""

from typing import Any, ClassVar

import django_filters
from django.db.models import Q, QuerySet

from catalog.models import Product


class ProductFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Parts of texts in any case; filters that are given all hold."""

    search = django_filters.CharFilter(method="search_everywhere", label="SKU, name or description")
    sku = django_filters.CharFilter(lookup_expr="icontains", label="SKU")
    name = django_filters.CharFilter(lookup_expr="icontains", label="Name")
    description = django_filters.CharFilter(lookup_expr="icontains", label="Description")
    active = django_filters.BooleanFilter(label="Active")

    class Meta:
        model = Product
        fields: ClassVar[list[str]] = ["search", "sku", "name", "description", "active"]

    def search_everywhere(
        self, queryset: QuerySet[Product], name: str, value: Any
    ) -> QuerySet[Product]:
        return queryset.filter(
            Q(sku__icontains=value) | Q(name__icontains=value) | Q(description__icontains=value)
        )
