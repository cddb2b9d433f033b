package smsgate.core

/**
 * The statements of `journal.sql`, by name. Comments are left out: Android tells what kind of
 * statement it has by its first three letters.
 */
internal object Sql {
  private val statements: Map<String, String> = parse(
    checkNotNull(Sql::class.java.getResourceAsStream("journal.sql")) { "journal.sql is missing" }
      .use { it.readBytes().decodeToString() },
  )

  /** Step n brings a journal from version n - 1 to n; a new file begins at version 0. */
  val schema: List<String> =
    (1..statements.keys.count { it.startsWith("schema_") }).map { this["schema_$it"] }

  operator fun get(name: String): String = statements.getValue(name)

  private fun parse(source: String): Map<String, String> =
    source.split(Regex("(?m)^-- name: ")).drop(1).associate { piece ->
      val (name, sql) = piece.split("\n", limit = 2)
      name to sql.replace(Regex("--[^\n]*"), "").trim()
    }
}
