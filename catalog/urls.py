from django.urls import path

from catalog.views import products

app_name = "catalog"
urlpatterns = [
    path("", products.product_list, name="list"),
    path("<int:pk>/", products.product_detail, name="detail"),
]
