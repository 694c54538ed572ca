// <notification-bell>: shows on its link how many notifications are new, as the server has it now.
// Without JavaScript the link is there all the same.

const EVERY = 10_000;

class NotificationBell extends HTMLElement {
  connectedCallback() {
    this.look();
    this.timer = setInterval(() => document.hidden || this.look(), EVERY);
    document.addEventListener("visibilitychange", () => document.hidden || this.look());
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  async look() {
    const answer = await fetch("/api/v1/notifications?limit=0").catch(() => null);
    if (!answer?.ok) return;
    const { unseen } = await answer.json();
    const count = this.querySelector(".bell-count");
    count.textContent = unseen > 99 ? "99+" : unseen || "";
    count.hidden = !unseen;
  }
}

customElements.define("notification-bell", NotificationBell);
