// The two buttons. They are never disabled: each click sends the form once more.
import { byTestId, clearErrors, showError } from "./dom.js";

function submission(form, currency) {
  const attributes = [
    { code: "condition", ids: form.condition_id === null ? [] : [form.condition_id] },
    { code: "size", ids: form.size_id === null ? [] : [form.size_id] },
    { code: "material", ids: form.material_ids },
  ];
  return {
    item: {
      id: form.id,
      currency,
      temp_uuid: form.temp_uuid,
      title: form.title,
      description: form.description,
      brand_id: form.brand?.id ?? null,
      brand: form.brand?.title ?? null,
      catalog_id: form.catalog_id,
      price: form.price,
      package_size_id: form.package_size_id,
      is_unisex: form.is_unisex,
      color_ids: form.color_ids,
      assigned_photos: form.photos.filter((photo) => photo.id).map((photo) => ({ id: photo.id, orientation: 0 })),
      item_attributes: attributes.filter((attribute) => attribute.ids.length),
    },
    push_up: false,
    parcel: null,
    upload_session_id: form.upload_session_id,
  };
}

export function buttons({ form, config, api }) {
  const base = "/api/v2/item_upload";
  const stored = config.item;
  const send = async (act) => {
    clearErrors();
    try {
      location.assign(await act(submission(form, config.currency)));
    } catch (error) {
      const unplaced = (error.errors ?? []).filter(({ field, value }) => !showError(field, value));
      if (unplaced.length || !error.errors?.length) {
        const note = byTestId("upload-form-error");
        note.textContent = unplaced.map(({ value }) => value).join(" ") || config.labels.error_general;
        note.hidden = false;
      }
    }
  };
  const publish = async (body) => {
    if (stored && !stored.is_draft) await api.put(`${base}/items/${stored.id}`, body);
    const path = stored?.is_draft ? `${base}/drafts/${stored.id}/completion` : `${base}/items`;
    const id = stored && !stored.is_draft ? stored.id : (await api.post(path, body)).item.id;
    return `/items/${id}`;
  };
  const draft = async (body) => {
    await (stored ? api.put(`${base}/drafts/${stored.id}`, body) : api.post(`${base}/drafts`, body));
    return `/member/${config.member_id}`;
  };
  byTestId("upload-form-save-button").addEventListener("click", () => send(publish));
  byTestId("upload-form-save-draft-button")?.addEventListener("click", () => send(draft));
}
