import { descriptionOf, type PageLayout } from "./layout.ts";

/** The pictures of the site's icon, whole URLs, and the colors that a phone shows around it. */
export type ManifestIcons = { any: string; small: string; large: string; maskable: string };

/** Returns the web app manifest, with which a phone puts the site on its home screen. */
export function manifestOf(layout: PageLayout, icons: ManifestIcons): object {
  const home = `${layout.basePath}/`;
  return {
    id: home,
    name: layout.site.name,
    short_name: layout.site.name,
    description: descriptionOf(layout),
    lang: layout.language,
    start_url: home,
    scope: home,
    display: "standalone",
    background_color: layout.paper.light,
    theme_color: layout.paper.light,
    icons: [
      { src: icons.any, sizes: "any", type: "image/svg+xml" },
      { src: icons.small, sizes: "192x192", type: "image/png" },
      { src: icons.large, sizes: "512x512", type: "image/png" },
      { src: icons.maskable, sizes: "512x512", type: "image/png", purpose: "maskable" },
    ],
  };
}

/**
 * Returns robots.txt. Crawlers may read the pages, which say themselves what must not be found: a
 * list of rooms by link only would reveal them. The API and endless pages lead nowhere, and each
 * search costs the database as much as a thousand other requests.
 */
export function robotsOf(basePath: string): string {
  const closed = ["/api/", "/doctor", "/rooms/*/live", "/rooms/*/search"].map(
    (path) => `Disallow: ${basePath}${path}\n`,
  );
  return `User-agent: *\n${closed.join("")}`;
}
