from django import forms

from orders.models import Order


class CheckoutForm(forms.ModelForm):
    class Meta:
        model = Order
        fields = ["name", "email", "address"]
        widgets = {"address": forms.Textarea(attrs={"rows": 3})}
