package smsgate.core

import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.MethodSource
import java.io.File
import kotlin.test.assertTrue

/** The vectors that every agent has to pass. */
class ContractTest {
  @ParameterizedTest(name = "{0}")
  @MethodSource("vectors")
  fun `it keeps the contract`(name: String, @TempDir folder: File) {
    Vector(File(CONTRACT, "$name.json"), folder).use { it.play() }
  }

  @Test
  fun `there are vectors`() {
    assertTrue(vectors().size >= 35)
  }

  companion object {
    private val CONTRACT = File(System.getProperty("protocol"), "vectors")

    @JvmStatic
    fun vectors(): List<String> = CONTRACT.listFiles { file -> file.extension == "json" }!!
      .map { it.nameWithoutExtension }
      .sorted()
  }
}
