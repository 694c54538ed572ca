// The price: taken over only when the focus leaves the field, and then shown as the country writes it.
import { byTestId } from "./dom.js";

const shown = (amount, language) => (language === "en" ? amount.toFixed(2) : amount.toFixed(2).replace(".", ","));

export function priceField({ form, language, currency, committed }) {
  const unit = currency === "EUR" ? "" : ` ${currency}`; // where it is not the euro, the form says which
  const input = byTestId("price-input--input");
  const show = () => { input.value = form.price === null ? "" : shown(form.price, language) + unit; };
  input.addEventListener("focusout", () => {
    const typed = input.value.replace(/[^\d.,]/g, "").replace(",", ".");
    const amount = Number.parseFloat(typed);
    form.price = Number.isFinite(amount) ? Math.round(amount * 100) / 100 : null;
    show();
    committed();
  });
  show();
  return show;
}
