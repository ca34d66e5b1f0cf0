// Passkeys: the forms marked data-passkey are shown where the browser knows them, and answered by the device.
(() => {
  if (!window.PublicKeyCredential || !PublicKeyCredential.parseRequestOptionsFromJSON) return;
  const begin = { get: "/sign-in/passkey/begin", create: "/account/passkeys/begin" };
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.parentElement.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const said = form.querySelector("[role=alert]");
      said.hidden = true;
      try {
        const kind = form.dataset.passkey;
        const body = new FormData();
        body.append("csrf", form.elements.csrf.value);
        const answer = await fetch(begin[kind], { method: "POST", body });
        if (!answer.ok) throw new Error(String(answer.status));
        const asked = await answer.json();
        const options = JSON.parse(asked.options);
        const made = kind === "get"
          ? await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) })
          : await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
        form.elements.challenge.value = asked.id;
        form.elements.answer.value = JSON.stringify(made.toJSON());
        form.submit();
      } catch {
        said.hidden = false;
      }
    });
  }
})();
