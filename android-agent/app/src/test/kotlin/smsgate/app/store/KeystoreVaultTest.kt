package smsgate.app.store

import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import smsgate.core.StoreException
import java.security.KeyStoreException
import javax.crypto.SecretKey
import javax.crypto.spec.SecretKeySpec
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNotEquals
import kotlin.test.assertNull

@RunWith(RobolectricTestRunner::class)
class KeystoreVaultTest {
  private val vault = KeystoreVault { key(1) }

  @Test
  fun `what was sealed can be opened, and cannot be read`() {
    val sealed = vault.seal("secret-token")
    assertFalse("secret" in sealed)
    assertEquals("secret-token", vault.open(sealed))
    assertNotEquals(sealed, vault.seal("secret-token"))
  }

  @Test
  fun `another phone's key opens nothing`() =
    assertNull(KeystoreVault { key(2) }.open(vault.seal("secret-token")))

  @Test
  fun `what was never sealed opens nothing`() {
    assertNull(vault.open("secret-token"))
    assertNull(vault.open(""))
  }

  @Test
  fun `a Keystore that does not answer is not another phone`() {
    val broken = KeystoreVault { throw KeyStoreException("try again") }
    assertFailsWith<StoreException> { broken.open(vault.seal("secret-token")) }
  }

  private fun key(seed: Int): SecretKey = SecretKeySpec(ByteArray(32) { seed.toByte() }, "AES")
}
