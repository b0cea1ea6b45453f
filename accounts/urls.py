from django.contrib.auth import views
from django.urls import path

from accounts.sign_in import SignInForm

urlpatterns = [
    path(
        "sign-in/",
        views.LoginView.as_view(authentication_form=SignInForm, redirect_authenticated_user=True),
        name="login",
    ),
    path("sign-out/", views.LogoutView.as_view(), name="logout"),
]
