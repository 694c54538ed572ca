// The form: its values, and which fields exist. A field's own behaviour is in its module.
import { api } from "./api.js";
import { categoryField } from "./category.js";
import { brandField, colourField, conditionField, materialField, sizeField } from "./choices.js";
import { byTestId } from "./dom.js";
import { parcelFields, unisexField } from "./parcel.js";
import { photoField } from "./photos.js";
import { priceField } from "./price.js";
import { buttons } from "./submit.js";

const config = JSON.parse(document.getElementById("form-config").textContent);
const { labels, language, item } = config;
const newer = config.widgets === "new";
const EMPTY = { brand: null, size_id: null, condition_id: null, package_size_id: null, title: "", description: "", price: null };
const LISTS = { color: "color_ids", material: "material_ids" };
const SINGLES = { category: "catalog_id", size: "size_id", condition: "condition_id", package_size: "package_size_id" };

const form = {
  ...EMPTY, id: null, catalog_id: null, color_ids: [], material_ids: [], is_unisex: false, photos: [], ...item,
  price: item ? Number(item.price) : null,
  temp_uuid: crypto.randomUUID(), upload_session_id: crypto.randomUUID(),
};
const fields = {};
let attributes = [];
let codes = new Map();

function textField(name) {
  const input = byTestId(`${name}--input`);
  input.value = form[name];
  input.addEventListener("input", () => { form[name] = input.value; });
  input.addEventListener("focusout", () => happened(name));
}

// Builds the fields a leaf category brings anew from the form's values.
function renderDependents() {
  const found = (code) => attributes.find((attribute) => attribute.code === code);
  const shared = (code) => ({ form, labels, api, newer, codes, attribute: found(code) });
  const makers = { brand: brandField, size: sizeField, condition: conditionField, color: colourField, material: materialField };
  const roots = [];
  for (const [name, maker] of Object.entries(makers)) {
    if (!found(name)) continue;
    fields[name] = maker(shared(name));
    fields[name].onclose = () => happened(name);
    roots.push(fields[name].root);
  }
  document.getElementById("dependent-fields").replaceChildren(...roots, ...(attributes.length ? [unisexField({ form, labels })] : []));
  const parcels = { form, labels, parcels: config.parcels, chosen: () => happened("package_size") };
  document.getElementById("parcel-fields").replaceChildren(...(found("package_size") ? [parcelFields(parcels)] : []));
}

async function leafChosen(leaf) {
  const question = { attributes: [{ code: "category", value: [leaf.id] }] };
  attributes = (await api.post("/api/v2/item_upload/attributes", question)).attributes;
  const sizes = attributes.find((attribute) => attribute.code === "size")?.configuration.options ?? [];
  if (!sizes.some((size) => size.id === form.size_id)) form.size_id = null;
  renderDependents();
}

// Quirks asked for by a fault: a re-render that wipes a value, a panel that ignores its first click.
const wipes = config.quirks.filter((quirk) => quirk.kind === "form_wipe");

function happened(name) {
  const place = wipes.findIndex((wipe) => wipe.after === name);
  if (place < 0) return;
  const [{ field }] = wipes.splice(place, 1);
  if (field in LISTS) form[LISTS[field]] = [];
  else form[SINGLES[field] ?? field] = EMPTY[SINGLES[field] ?? field] ?? null;
  if (field === "category") {
    attributes = [];
    fields.category.show();
  }
  if (field === "price") showPrice();
  else if (["title", "description"].includes(field)) byTestId(`${field}--input`).value = "";
  else renderDependents();
}

function ignoreClicks(name) {
  for (const quirk of config.quirks) {
    if (quirk.kind === "ignored_click" && quirk.field === name && fields[name]) fields[name].ignoring[quirk.part] = true;
  }
}

photoField({ form, labels, api });
textField("title");
textField("description");
const showPrice = priceField({ form, language, currency: config.currency, committed: () => happened("price") });
buttons({ form, config, api });

const [{ catalogs }, { colors }] = await Promise.all([
  api.get("/api/v2/item_upload/catalogs"), api.get("/api/v2/item_upload/colors"),
]);
codes = new Map(colors.map((colour) => [colour.id, colour.code]));
const chosen = async (leaf) => {
  await leafChosen(leaf);
  for (const name of ["brand", "size", "condition", "color", "material"]) ignoreClicks(name);
};
fields.category = categoryField({ form, catalogs, labels, chosen });
fields.category.onclose = () => happened("category");
ignoreClicks("category");
document.getElementById("category-field").replaceChildren(fields.category.root);
if (form.catalog_id !== null) await chosen({ id: form.catalog_id });
