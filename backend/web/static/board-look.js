// A photo of the board, large: opened over it, left and right go on to its neighbours. Owns no choice of photos.

const dialog = document.getElementById("look");
let shown;

export function lookAt(tile) {
  if (!tile) return;
  const small = tile.querySelector("img");
  shown = tile.dataset.photo;
  dialog.querySelector("img").src = small.src.replace("size=thumbnail", "size=full");
  dialog.querySelector("img").alt = small.alt;
  if (!dialog.open) dialog.showModal();
}

dialog?.addEventListener("keydown", ({ key }) => {
  const tiles = [...document.querySelectorAll(".tile")];
  const at = tiles.findIndex((tile) => tile.dataset.photo === shown);
  if (at >= 0) lookAt(tiles[at + ({ ArrowRight: 1, ArrowLeft: -1 }[key] ?? 0)]);
});
dialog?.addEventListener("click", ({ target }) => target === dialog && dialog.close());
