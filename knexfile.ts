import { DEFAULT_SCHEMA } from "./db/address.ts";
import { MIGRATIONS_TABLE } from "./db/former-schema.ts";
import { afterMigrations, migrationSource } from "./db/migrate.ts";

/**
 * For the command of knex, e.g. `DATABASE_URL=… npm run knex migrate:status`. The app migrates by
 * itself when it starts.
 */
export default {
  client: "pg",
  connection: process.env.DATABASE_URL,
  searchPath: [process.env.CHATTERA_SCHEMA || DEFAULT_SCHEMA],
  migrations: { migrationSource, tableName: MIGRATIONS_TABLE, afterAll: afterMigrations },
};
