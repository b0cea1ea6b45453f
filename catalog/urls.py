from django.urls import path

from catalog.views import operations, products

app_name = "catalog"
urlpatterns = [
    path("products/", products.product_list, name="list"),
    path("products/<int:pk>/", products.product_detail, name="detail"),
    path("products/delete-all/", operations.delete_all, name="delete_all"),
    path("products/operations/<int:pk>/", operations.operation_detail, name="operation"),
    path("products/operations/<int:pk>/live/", operations.operation_live, name="operation_live"),
    path(
        "products/operations/<int:pk>/events/", operations.operation_events, name="operation_events"
    ),
    path(
        "products/operations/<int:pk>/cancel/", operations.operation_cancel, name="operation_cancel"
    ),
]
