/* SPDX-License-Identifier: Apache-2.0
 *
 * Derived UUIDs; see derive.h. The hash is SipHash-2-4 with 128 bits of output over whole words: every
 * part is fed with its length in front, so that no two lists of parts read alike. Its key is a
 * constant: these are names, not secrets. */
#include "plugin/derive.h"

#include <endian.h>
#include <string.h>

#include "base/text.h"

struct sip {
    uint64_t a, b, c, d;
};

static uint64_t turn(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static void mix(struct sip *sip, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        sip->a += sip->b;
        sip->c += sip->d;
        sip->b = turn(sip->b, 13) ^ sip->a;
        sip->d = turn(sip->d, 16) ^ sip->c;
        sip->a = turn(sip->a, 32);
        sip->c += sip->b;
        sip->a += sip->d;
        sip->b = turn(sip->b, 17) ^ sip->c;
        sip->d = turn(sip->d, 21) ^ sip->a;
        sip->c = turn(sip->c, 32);
    }
}

static void feed_word(struct sip *sip, uint64_t word)
{
    sip->d ^= word;
    mix(sip, 2);
    sip->a ^= word;
}

static void feed(struct sip *sip, struct wr_text text)
{
    feed_word(sip, text.len);
    for (size_t i = 0; i < text.len; i += sizeof(uint64_t)) {
        uint64_t word = 0;
        const size_t left = text.len - i;
        memcpy(&word, text.at + i, left < sizeof word ? left : sizeof word);
        feed_word(sip, le64toh(word));
    }
}

static void feed_message(struct sip *sip, const struct wr_message *message)
{
    feed(sip, message->id);
    if (message->id.len > 0) return;
    feed(sip, message->body);
    feed(sip, message->exchange);
    feed(sip, message->routing_key);
    feed(sip, message->type);
    feed_word(sip, (uint64_t)message->timestamp_ms);
}

static void show(const uint8_t bytes[16], char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
}

void derive_uuid(const char *handler, const struct wr_message *message, uint32_t n,
                 char out[DERIVED_UUID_CHARS])
{
    struct sip sip = {
        .a = 0x736f6d6570736575 ^ 0x77617272656e6572, /* the second of each: "warrener uuid of" */
        .b = 0x646f72616e646f6d ^ 0x2075756964206f66 ^ 0xee,
        .c = 0x6c7967656e657261 ^ 0x77617272656e6572,
        .d = 0x7465646279746573 ^ 0x2075756964206f66,
    };
    feed(&sip, text_of(handler));
    feed_message(&sip, message);
    feed_word(&sip, n);

    uint8_t bytes[16];
    sip.c ^= 0xee;
    mix(&sip, 4);
    uint64_t half = htole64(sip.a ^ sip.b ^ sip.c ^ sip.d);
    memcpy(bytes, &half, sizeof half);
    sip.b ^= 0xdd;
    mix(&sip, 4);
    half = htole64(sip.a ^ sip.b ^ sip.c ^ sip.d);
    memcpy(bytes + 8, &half, sizeof half);
    bytes[6] = (uint8_t)(0x80 | (bytes[6] & 0x0f)); /* version 8: our own way */
    bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3f));
    show(bytes, out);
}
