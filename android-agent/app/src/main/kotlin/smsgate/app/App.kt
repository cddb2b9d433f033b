package smsgate.app

import android.app.Application
import android.content.Context

/** The process's one [Phone], created lazily so that a test can replace it. */
class App : Application() {
  private var made: Phone? = null

  var phone: Phone
    @Synchronized get() = made ?: Phone(this).also { made = it }

    @Synchronized set(value) {
      made = value
    }
}

val Context.phone: Phone get() = (applicationContext as App).phone
