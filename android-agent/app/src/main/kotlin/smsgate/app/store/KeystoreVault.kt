package smsgate.app.store

import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import android.util.Base64
import smsgate.core.StoreException
import smsgate.core.TokenVault
import java.security.GeneralSecurityException
import java.security.KeyStore
import java.security.ProviderException
import javax.crypto.AEADBadTagException
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec

/**
 * Wraps the token with AES-GCM. The key lies in Android's Keystore and never leaves this phone: what
 * was copied from it opens nowhere else.
 *
 * Only a text that another key has sealed is another phone's. A Keystore that does not answer (it may,
 * soon after a boot) is a [StoreException], to be tried again.
 */
class KeystoreVault(private val key: () -> SecretKey = ::keystoreKey) : TokenVault {
  override fun seal(token: String): String = guarded {
    val cipher = Cipher.getInstance(TRANSFORMATION).apply { init(Cipher.ENCRYPT_MODE, key()) }
    val sealed = cipher.iv + cipher.doFinal(token.toByteArray())
    Base64.encodeToString(sealed, Base64.NO_WRAP)
  }

  override fun open(sealed: String): String? = guarded {
    val bytes = decode(sealed) ?: return null
    val cipher = Cipher.getInstance(TRANSFORMATION).apply {
      init(Cipher.DECRYPT_MODE, key(), GCMParameterSpec(TAG_BITS, bytes, 0, IV_BYTES))
    }
    try {
      String(cipher.doFinal(bytes, IV_BYTES, bytes.size - IV_BYTES))
    } catch (_: AEADBadTagException) {
      null
    }
  }

  private fun decode(sealed: String): ByteArray? =
    try {
      Base64.decode(sealed, Base64.NO_WRAP).takeIf { it.size > IV_BYTES }
    } catch (_: IllegalArgumentException) {
      null
    }

  private inline fun <T> guarded(act: () -> T): T =
    try {
      act()
    } catch (error: GeneralSecurityException) {
      throw StoreException("Keystore: $error", error)
    } catch (error: ProviderException) {
      throw StoreException("Keystore: $error", error)
    }

  private companion object {
    const val TRANSFORMATION = "AES/GCM/NoPadding"
    const val IV_BYTES = 12
    const val TAG_BITS = 128
  }
}

private const val STORE = "AndroidKeyStore"
private const val ALIAS = "smsgate-token"

private fun keystoreKey(): SecretKey {
  val store = KeyStore.getInstance(STORE).apply { load(null) }
  (store.getKey(ALIAS, null) as? SecretKey)?.let { return it }
  val purposes = KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT
  val spec = KeyGenParameterSpec.Builder(ALIAS, purposes)
    .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
    .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
    .setKeySize(256)
    .build()
  return KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, STORE)
    .apply { init(spec) }
    .generateKey()
}
