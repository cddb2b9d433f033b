package smsgate.core

import java.io.File

/**
 * The journal's file: opened and checked, or set aside.
 *
 * [identify] tells one file from its copy, by its number on the disk for one; null where that is
 * told otherwise (by the [TokenVault]).
 */
internal class JournalFile(
  private val file: File,
  private val opener: StoreOpener,
  private val identify: (File) -> String?,
) {
  /** Throws [StoreException]. */
  fun open(): Store {
    val store = opener.open(file)
    try {
      checkSound(store)
      if (userVersion(store) == 0L) create(store)
      checkIdentity(store)
      return store
    } catch (error: StoreException) {
      store.close()
      throw error
    }
  }

  private fun checkSound(store: Store) {
    val verdict = store.query("PRAGMA quick_check(1)") { it.text(0) }.firstOrNull()
    if (verdict != "ok") throw StoreCorruptException(verdict ?: "nothing to read")
    if (userVersion(store) > SCHEMA_VERSION) {
      throw StoreException("$file was written by a newer version of the phone")
    }
  }

  private fun userVersion(store: Store) =
    store.query("PRAGMA user_version") { it.long(0) }.first()

  private fun create(store: Store) = store.transaction {
    Sql.schema.forEach { store.execute(it) }
    store.execute("PRAGMA user_version = $SCHEMA_VERSION")
  }

  /** A backup put back, or a second phone made from the first, must not act as this phone. */
  private fun checkIdentity(store: Store) {
    val identity = identify(file) ?: return
    val known = store.query(Sql["setting"], "file") { it.text(0) }.firstOrNull()
    if (known == null) {
      store.transaction { store.execute(Sql["set"], "file", identity) }
    } else if (known != identity) {
      throw JournalCopiedException("$file is a copy of a journal")
    }
  }

  /** Renames the file with its side files; answers its new name. */
  fun moveAside(): File {
    val aside = generateSequence(1) { it + 1 }
      .map { File("$file.aside-$it") }
      .first { !it.exists() }
    for (suffix in listOf("", "-wal", "-shm", "-journal")) {
      val part = File("$file$suffix")
      if (part.exists() && !part.renameTo(File("$aside$suffix"))) {
        throw StoreException("$part cannot be set aside")
      }
    }
    return aside
  }

  private companion object {
    const val SCHEMA_VERSION = 1L
  }
}

/** The file is a copy: the original may have sent, since, what this one still holds. */
class JournalCopiedException(message: String) : StoreException(message)
