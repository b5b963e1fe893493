import { afterMigrations, migrationSource } from "./db/migrate.ts";

/**
 * For the command of knex, e.g. `DATABASE_URL=… npm run knex migrate:status`. The app migrates by
 * itself when it starts.
 */
export default {
  client: "pg",
  connection: process.env.DATABASE_URL,
  migrations: { migrationSource, afterAll: afterMigrations },
};
