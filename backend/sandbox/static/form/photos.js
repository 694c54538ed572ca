// Photos: each selected file is sent at once, a few at a time; its thumbnail stands in the grid only when the site has
// it. What is not there yet when the form is sent is lost.
import { byTestId, make, showError } from "./dom.js";

const LANES = 3;
const MOST = 20;

export function photoField({ form, labels, api }) {
  const grid = byTestId("media-upload-grid");
  const input = byTestId("add-photos-input");
  const waiting = [];
  let busy = 0;

  const render = () => grid.replaceChildren(...form.photos.map(tile));
  const tile = (photo, place) => {
    const box = make("div", { class: "media-select__item" });
    if (photo.failed) box.append(make("p", { role: "alert" }, labels.photo_failed));
    else if (!photo.id) box.append(make("div", { class: "web_ui__Loader__loader", role: "progressbar", "data-testid": "media-upload-spinner" }));
    else box.append(make("div", { "data-testid": `image-wrapper-${place}` }, make("img", { src: photo.url, alt: "" })));
    box.append(make("button", {
      type: "button", "data-testid": `media-select-grid-delete-button-${place}`, "aria-label": labels.photo_remove,
      onclick: () => { form.photos = form.photos.filter((other) => other !== photo); render(); },
    }, "×"));
    return box;
  };
  const send = async (photo) => {
    const body = new FormData();
    body.append("photo[file]", photo.file);
    body.append("photo[type]", "item");
    body.append("photo[temp_uuid]", form.temp_uuid);
    try {
      photo.id = (await api.post("/api/v2/photos", body)).id;
    } catch (error) {
      photo.failed = true;
      showError("photos", error.errors?.[0]?.value ?? labels.photo_failed);
    }
    render();
  };
  const work = async () => {
    while (busy < LANES && waiting.length) {
      busy += 1;
      send(waiting.shift()).finally(() => { busy -= 1; work(); });
    }
  };
  input.addEventListener("change", () => {
    const room = MOST - form.photos.length;
    const added = [...input.files].slice(0, Math.max(room, 0)).map((file) => ({ file, url: URL.createObjectURL(file) }));
    form.photos = [...form.photos, ...added];
    waiting.push(...added);
    input.value = "";
    render();
    work();
  });
  render();
}
