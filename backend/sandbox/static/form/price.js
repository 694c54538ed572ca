// The price: taken over only when the focus leaves the field, and then shown as the country writes it.
import { byTestId } from "./dom.js";

const shown = (amount, language) => (language === "fr" ? amount.toFixed(2).replace(".", ",") : amount.toFixed(2));

export function priceField({ form, language, committed }) {
  const input = byTestId("price-input--input");
  const show = () => { input.value = form.price === null ? "" : shown(form.price, language); };
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
