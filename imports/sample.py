"""The CSV that newcomers start from; `sample_products.csv` in the project holds the same."""

from django.conf import settings

SAMPLE_CSV = (settings.BASE_DIR / "sample_products.csv").read_bytes()
