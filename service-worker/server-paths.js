/** The server's paths: never answered from a cache. The app's page `/sync` is ours, what lies below it is not. */
export const SERVER_PATHS = /^\/(sync\/|auth\/|reports\/|admin\/|metrics|healthz|openapi\.json|test(\/|$))/;
