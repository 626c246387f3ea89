from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "watchpost.accounts"
    label = "accounts"
