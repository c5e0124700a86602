/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-slot.h"

#include <string.h>

/* CRC-16/XMODEM: the polynomial 0x1021, nothing reflected, from 0 on. */
#define POLYNOMIAL 0x1021
/* Bytes that are taken at a time. */
#define STRIDE 4

/* What becomes of a byte that so many other bytes stand behind. */
typedef struct
{
  guint16 behind[STRIDE][256];
} CrcTables;

static G_NO_INLINE const CrcTables *
make_tables (void)
{
  CrcTables *tables = g_new (CrcTables, 1);

  for (guint byte = 0; byte < 256; byte++)
    {
      guint crc = byte << 8;

      for (guint bit = 0; bit < 8; bit++)
        crc = (crc << 1) ^ ((crc & 0x8000) != 0 ? POLYNOMIAL : 0);
      tables->behind[0][byte] = (guint16) crc;
    }

  for (guint i = 1; i < STRIDE; i++)
    {
      for (guint byte = 0; byte < 256; byte++)
        {
          guint crc = tables->behind[i - 1][byte];

          tables->behind[i][byte] = (guint16) ((crc << 8) ^ tables->behind[0][crc >> 8]);
        }
    }

  return tables;
}

/* Made once, for the life of the program. */
static inline const CrcTables *
get_tables (void)
{
  static const CrcTables *tables;

  if (g_once_init_enter (&tables))
    g_once_init_leave (&tables, make_tables ());

  return tables;
}

static guint
crc16 (const guint8 *data,
       gsize length)
{
  const CrcTables *tables = get_tables ();
  guint crc = 0;

  for (; length >= STRIDE; length -= STRIDE, data += STRIDE)
    crc = tables->behind[3][data[0] ^ (crc >> 8)] ^ tables->behind[2][data[1] ^ (crc & 0xff)] ^
          tables->behind[1][data[2]] ^ tables->behind[0][data[3]];
  for (; length > 0; length--, data++)
    crc = ((crc & 0xff) << 8) ^ tables->behind[0][(crc >> 8) ^ data[0]];

  return crc;
}

guint
cluster_slot_of (gconstpointer key,
                 gsize length)
{
  const guint8 *data = key;
  const guint8 *open, *close;

  open = length > 0 ? memchr (data, '{', length) : NULL;
  if (open != NULL)
    {
      open++;
      close = memchr (open, '}', length - (gsize) (open - data));
      if (close != NULL && close > open)
        {
          length = (gsize) (close - open);
          data = open;
        }
    }

  return crc16 (data, length) % CLUSTER_N_SLOTS;
}
