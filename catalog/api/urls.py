from django.urls import path

from catalog.api import bulk, change_sets, operations, products

urlpatterns = [
    path("api/products", products.ProductListView.as_view()),
    path("api/products/bulk", bulk.AllProductsView.as_view()),
    path("api/products/actions", bulk.ActionsView.as_view()),
    path("api/products/export", bulk.ExportView.as_view()),
    path("api/products/<int:pk>", products.ProductView.as_view()),
    path("api/products/<int:pk>/changes", change_sets.ProductChangesView.as_view()),
    path("api/changesets", change_sets.ChangeSetListView.as_view()),
    path("api/changesets/<int:pk>", change_sets.ChangeSetView.as_view()),
    path("api/changesets/<int:pk>/changes", change_sets.ChangesView.as_view()),
    path("api/changesets/<int:pk>/undo", change_sets.UndoView.as_view()),
    path("api/operations/<int:pk>", operations.OperationView.as_view()),
    path("api/operations/<int:pk>/cancel", operations.CancelView.as_view()),
]
