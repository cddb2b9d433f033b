package smsgate.app

import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import smsgate.app.store.AndroidStore
import java.io.File
import kotlin.test.assertEquals

@RunWith(RobolectricTestRunner::class)
class FirstTest {
  @Test
  fun `a store`() {
    val context = RuntimeEnvironment.getApplication()
    val store = AndroidStore.open(File(context.filesDir.also { it.mkdirs() }, "x.db"))
    assertEquals(2L, store.query("PRAGMA synchronous") { it.long(0) }.first())
  }
}
