package smsgate.app

import android.content.Context

/** One of Android's own services, which every phone has. */
inline fun <reified T> Context.service(): T =
  checkNotNull(getSystemService(T::class.java)) { "no ${T::class.java.simpleName}" }
