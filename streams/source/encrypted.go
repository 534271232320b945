package source

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"

	"github.com/throughline/throughline/streams/mapping"
)

// Names of the secrets of an encrypted source.
const (
	aesKey = "aes_key" // EncodingAESKey: 43 characters of base64
	appID  = "app_id"
)

// decrypt replaces the body by what its element Encrypt holds: AES-256-CBC with the key's first 16 bytes as vector, PKCS#7 to
// blocks of 32 bytes; inside 16 random bytes, the length in 4, the XML, and the app's id, which must be ours
// (https://developers.weixin.qq.com/doc/oplatform/en/Third-party_Platforms/2.0/api/Before_Develop/Technical_Plan.html).
// A body without Encrypt is in plain mode, and good only where no key is set: the signature of that mode does not cover the body.
func decrypt(body *mapping.Body, secrets Secrets) error {
	text := mapping.Text(*body, "Encrypt")
	if text == "" {
		if len(secrets(aesKey)) > 0 {
			return ErrEncrypted
		}
		return nil
	}
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(sealed) == 0 || len(sealed)%aes.BlockSize != 0 {
		return ErrEncrypted
	}
	for _, encoded := range secrets(aesKey) {
		key, err := base64.StdEncoding.DecodeString(encoded + "=")
		if err != nil || len(key) != 32 {
			continue
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			continue
		}
		plain := make([]byte, len(sealed))
		cipher.NewCBCDecrypter(block, key[:aes.BlockSize]).CryptBlocks(plain, sealed)
		inner, ok := unpack(plain, secrets(appID))
		if !ok {
			continue
		}
		if body.Value, err = mapping.ParseBody(mapping.XML, "", inner); err != nil {
			return err
		}
		return nil
	}
	return ErrEncrypted
}

// unpack takes the padding, the random bytes, the length and the app's id off.
func unpack(plain []byte, apps []string) ([]byte, bool) {
	const head, blockSize = 16 + 4, 32
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > blockSize || pad > len(plain) {
		return nil, false
	}
	plain = plain[:len(plain)-pad]
	if len(plain) < head {
		return nil, false
	}
	n := int64(binary.BigEndian.Uint32(plain[16:head]))
	if n > int64(len(plain)-head) {
		return nil, false
	}
	inner, app := plain[head:head+n], plain[head+n:]
	for _, known := range apps {
		if bytes.Equal(app, []byte(known)) {
			return inner, true
		}
	}
	return nil, false
}
