from django.urls import path

from catalog.views import activity, bulk, detail, editing, exporting, operations, products

app_name = "catalog"
urlpatterns = [
    path("products/", products.product_list, name="list"),
    path("products/<int:pk>/", detail.product_detail, name="detail"),
    path("products/new/", editing.create, name="create"),
    path("products/<int:pk>/edit/", editing.edit, name="edit"),
    path("products/<int:pk>/row/", editing.row, name="row"),
    path("products/<int:pk>/active/", editing.set_active, name="set_active"),
    path("products/<int:pk>/delete/", editing.delete, name="delete"),
    path("products/bulk/", bulk.bulk, name="bulk"),
    path("products/export.csv", exporting.export, name="export"),
    path("products/delete-all/", operations.delete_all, name="delete_all"),
    path("products/operations/<int:pk>/", operations.operation_detail, name="operation"),
    path("products/operations/<int:pk>/live/", operations.operation_live, name="operation_live"),
    path(
        "products/operations/<int:pk>/events/", operations.operation_events, name="operation_events"
    ),
    path(
        "products/operations/<int:pk>/cancel/", operations.operation_cancel, name="operation_cancel"
    ),
    path("activity/", activity.activity_list, name="activity"),
    path("activity/<int:pk>/", activity.change_set, name="change_set"),
    path("activity/<int:pk>/undo/", activity.undo, name="undo"),
]
