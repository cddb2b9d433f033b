package androidx.test.espresso

import android.os.Looper

interface IdlingResource {
  fun getName(): String
  fun isIdleNow(): Boolean
  fun registerIdleTransitionCallback(callback: ResourceCallback)

  interface ResourceCallback {
    fun onTransitionToIdle()
  }
}

object IdlingRegistry {
  @JvmStatic
  fun getInstance(): IdlingRegistry = this

  fun getResources(): Collection<IdlingResource> = emptyList()

  fun getLoopers(): Collection<Looper> = emptyList()
}
