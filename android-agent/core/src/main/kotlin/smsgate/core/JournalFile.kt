package smsgate.core

import java.io.File

/**
 * The journal's file: opened, checked and brought to the newest version, or set aside.
 *
 * [identify] tells one file from its copy, by its number on the disk for one; null where that is
 * told otherwise (by the [TokenVault]).
 */
internal class JournalFile(
  private val file: File,
  private val opener: StoreOpener,
  private val identify: (File) -> String?,
  /** The steps that bring a file to their last version. */
  private val schema: List<String>,
) {
  /** Throws [StoreException]. */
  fun open(): Store {
    val store = opener.open(file)
    try {
      checkSound(store)
      upgrade(store)
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
  }

  /** Brings the tables to the newest version: all steps that are missing, or none of them. */
  private fun upgrade(store: Store) {
    if (missingSteps(store).isEmpty()) return
    store.transaction {
      // Fewer than before, if another program was first.
      missingSteps(store).flatMap { it.split(";") }.map { it.trim() }.filter { it.isNotEmpty() }
        .forEach { store.execute(it) }
      store.execute("PRAGMA user_version = ${schema.size}")
    }
  }

  /** The steps after the file's version. Throws [JournalNewerException]. */
  private fun missingSteps(store: Store): List<String> {
    val version = store.query("PRAGMA user_version") { it.long(0) }.first().toInt()
    if (version > schema.size) throw JournalNewerException(file, version, schema.size)
    return schema.drop(version)
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

  /** Renames the file with its side files; returns its new name. */
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
}

/** The file is a copy: the original may have sent, since, what this one still holds. */
class JournalCopiedException(message: String) : StoreException(message)

/** The file was written by a newer version of the phone, whose tables this one does not know. */
class JournalNewerException(file: File, version: Int, newest: Int) :
  StoreException(
    "$file was written by a newer version of the phone (journal version $version, this one knows " +
      "$newest): run that version",
  ) {
  override val detail get() = Detail(TextKey.JOURNAL_NEWER)
}
