package smsgate.core

import java.io.File
import java.util.concurrent.TimeUnit
import kotlin.io.path.createTempFile
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Runs a program of the tests in a JVM of its own; answers what it said. */
fun ownJvm(vararg arguments: String, firstOnPath: String? = null): String {
  val output = createTempFile().toFile()
  val path = listOfNotNull(firstOnPath, System.getProperty("java.class.path"))
  val java = File(System.getProperty("java.home"), "bin/java").path
  try {
    val process = ProcessBuilder(
      listOf(java, "-cp", path.joinToString(File.pathSeparator)) + arguments,
    ).redirectErrorStream(true).redirectOutput(output).start()
    assertTrue(process.waitFor(600, TimeUnit.SECONDS), "it did not come to an end")
    assertEquals(0, process.exitValue(), output.readText())
    return output.readText()
  } finally {
    output.delete()
  }
}
