/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <glib.h>

#include <tornadis-glib/tornadis-version.h>

#ifdef TORNADIS_COMPILATION
#define _TORNADIS_EXTERN __attribute__ ((visibility ("default"))) extern
#else
#define _TORNADIS_EXTERN extern
#endif

#define TORNADIS_VERSION_1_0 (G_ENCODE_VERSION (1, 0))
#define TORNADIS_VERSION_CUR_STABLE (G_ENCODE_VERSION (TORNADIS_MAJOR_VERSION, TORNADIS_MINOR_VERSION))

/**
 * TORNADIS_VERSION_MAX_ALLOWED:
 *
 * Defined by a program before it includes the header: the newest API it may use without a warning,
 * such as `TORNADIS_VERSION_1_0`.
 *
 * Since: 1.0
 */
#ifndef TORNADIS_VERSION_MAX_ALLOWED
#define TORNADIS_VERSION_MAX_ALLOWED (TORNADIS_VERSION_CUR_STABLE)
#endif

#define TORNADIS_AVAILABLE_IN_ALL _TORNADIS_EXTERN

#if TORNADIS_VERSION_MAX_ALLOWED < TORNADIS_VERSION_1_0
#define TORNADIS_AVAILABLE_IN_1_0 G_UNAVAILABLE (1, 0) _TORNADIS_EXTERN
#else
#define TORNADIS_AVAILABLE_IN_1_0 _TORNADIS_EXTERN
#endif
