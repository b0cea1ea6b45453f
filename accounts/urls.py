from django.contrib.auth import views
from django.urls import path

from accounts.sign_in import SignInForm
from accounts.views import account, revoke_token, time_zone

urlpatterns = [
    path("", account, name="account"),
    path("time-zone/", time_zone, name="account_time_zone"),
    path("tokens/<int:pk>/revoke/", revoke_token, name="revoke_token"),
    path(
        "sign-in/",
        views.LoginView.as_view(authentication_form=SignInForm, redirect_authenticated_user=True),
        name="login",
    ),
    path("sign-out/", views.LogoutView.as_view(), name="logout"),
]
