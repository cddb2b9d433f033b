// Swagger UI is dark by a class.
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const paint = () => root.classList.toggle("dark-mode", (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark");
system.addEventListener("change", paint);
paint();

SwaggerUIBundle({
  url: "/api/schema/",
  dom_id: "#swagger",
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: false,
  validatorUrl: null, // asks nobody elsewhere
});
