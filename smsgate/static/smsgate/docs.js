SwaggerUIBundle({
  url: "/api/schema/",
  dom_id: "#swagger",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: false,
  validatorUrl: null, // asks nobody elsewhere
});
