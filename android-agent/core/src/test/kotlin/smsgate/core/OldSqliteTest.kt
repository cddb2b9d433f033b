package smsgate.core

import org.junit.jupiter.api.Test
import java.io.File
import kotlin.test.assertEquals

/** Android 8 has SQLite 3.18, of 2017: the journal's SQL must not know better. */
class OldSqliteTest {
  @Test
  fun `the contract is kept on SQLite 3,18`() {
    val contract = File(System.getProperty("protocol"), "vectors").path
    val output = ownJvm(
      ContractOnAnySqlite::class.java.name, contract,
      firstOnPath = System.getProperty("old.sqlite"),
    )
    val count = File(contract).listFiles { file -> file.extension == "json" }!!.size
    assertEquals("SQLite 3.18.0 keeps $count vectors\n", output)
  }
}

/** The program of that JVM. */
object ContractOnAnySqlite {
  @JvmStatic
  fun main(arguments: Array<String>) {
    val vectors = File(arguments.single()).listFiles { file -> file.extension == "json" }!!
    for (vector in vectors) inFolder { folder -> Vector(vector, folder).use { it.play() } }
    val version = inFolder { folder ->
      JdbcStore.Opener().open(File(folder, "any")).use { store ->
        store.query("SELECT sqlite_version()") { it.text(0) }.single()
      }
    }
    println("SQLite $version keeps ${vectors.size} vectors")
  }
}
