/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Credentials of the tests, which give what they are told to. */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

#define TEST_TYPE_LOGIN (test_login_get_type ())
G_DECLARE_FINAL_TYPE (TestLogin, test_login, TEST, LOGIN, GObject)

TestLogin *test_login_new (const char *username,
                           const char *password);
/* What is given from now on, and that it has changed. */
void test_login_set (TestLogin *self,
                     const char *username,
                     const char *password);
/* How long what is given is valid, from when it is; 0: for ever. */
void test_login_set_life_msec (TestLogin *self,
                               guint life_msec);
/* An error is given, when there is one (nullable). */
void test_login_set_failure (TestLogin *self,
                             const char *failure);
/* Nothing is given for now; what was asked meanwhile is answered with the end of that. */
void test_login_set_silent (TestLogin *self,
                            gboolean silent);
/* Each time somebody asks, this is said to be a change. */
void test_login_set_restless (TestLogin *self,
                              gboolean restless);
guint test_login_get_n_asked (TestLogin *self);
/* How many of those that wait are not waited for any more. */
guint test_login_get_n_cancelled (TestLogin *self);

G_END_DECLS
