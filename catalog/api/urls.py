from django.urls import path

from catalog.api import products

urlpatterns = [
    path("api/products", products.ProductListView.as_view()),
    path("api/products/<int:pk>", products.ProductView.as_view()),
]
