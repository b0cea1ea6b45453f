"""URLs of the site. Every page asks for a sign-in but those that say otherwise themselves."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from accounts.sign_in import AdminSignInForm
from config import health, home

admin.site.login_form = AdminSignInForm
admin.site.site_header = admin.site.site_title = "Product Importer"

urlpatterns = [
    path("", home.home, name="home"),
    path("", include("catalog.urls")),
    path("imports/", include("imports.urls")),
    path("webhooks/", include("webhooks.urls")),
    path("account/", include("accounts.urls")),
    path("admin/", admin.site.urls),
    path("upload", RedirectView.as_view(pattern_name="imports:list")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
