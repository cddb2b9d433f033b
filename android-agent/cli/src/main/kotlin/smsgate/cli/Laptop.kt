package smsgate.cli

import smsgate.core.Clock
import smsgate.core.Device
import smsgate.core.Health
import smsgate.core.HttpTransport
import smsgate.core.JdbcStore
import smsgate.core.Journal
import smsgate.core.Sim
import smsgate.core.StoreOpener
import java.io.File
import java.io.IOException
import java.nio.file.Files

/** The program's; the build writes it into the file. */
val VERSION: String =
  checkNotNull(Laptop::class.java.getResource("version.txt")) { "version.txt is missing" }
    .readText().trim()

/** What this machine says of itself. */
class Laptop(override val name: String = "laptop phone") : Device {
  override val android = "none (Kotlin)"
  override val appVersion = VERSION

  override fun sims() = listOf(Sim(subId = 1, slot = 0, carrier = "Demo 1"))

  override fun health() = Health(network = "wifi", permissions = mapOf("send_sms" to true))
}

fun openJournal(file: File, clock: Clock, opener: StoreOpener = JdbcStore.Opener()): Journal {
  makePrivate(file)
  return Journal(file, opener, clock, identify = ::numberOnDisk)
}

/** That of a phone that is there, for a look beside the program that runs it. */
fun existingJournal(file: File): Journal {
  if (!file.exists()) throw IOException("no journal at $file: use `pair` first")
  return Journal(
    file, JdbcStore.Opener(), LaptopClock(), identify = ::numberOnDisk, setsAside = false,
  )
}

/** The token is in it; SQLite's side files follow its mode. */
private fun makePrivate(file: File) {
  if (file.createNewFile()) {
    file.setReadable(false, false)
    file.setReadable(true, true)
    file.setWritable(false, false)
    file.setWritable(true, true)
  }
}

/** A copy has another number; null where a disk has none. */
private fun numberOnDisk(file: File): String? =
  try {
    Files.getAttribute(file.toPath(), "unix:ino").toString()
  } catch (_: UnsupportedOperationException) {
    null
  } catch (_: IllegalArgumentException) {
    null
  }

fun httpTransport(baseUrl: String, pin: String?, clock: Clock) =
  HttpTransport(baseUrl, pin, clock, "smsgate-phone/$VERSION")
