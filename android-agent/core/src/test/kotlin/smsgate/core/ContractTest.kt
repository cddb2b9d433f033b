package smsgate.core

import java.io.File
import kotlin.test.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.MethodSource

/** The vectors that every agent has to pass. */
class ContractTest {
  @ParameterizedTest
  @MethodSource("vectors")
  fun `it keeps the contract`(path: File, @TempDir folder: File) {
    Vector(path, folder).use { it.play() }
  }

  @Test
  fun `there are vectors`() {
    assertTrue(vectors().size >= 31)
  }

  companion object {
    @JvmStatic
    fun vectors(): List<File> = File(System.getProperty("contract"))
      .listFiles { file -> file.extension == "json" }!!
      .sorted()
  }
}
