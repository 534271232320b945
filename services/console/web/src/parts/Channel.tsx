import { Group, Text, ThemeIcon, Tooltip } from '@mantine/core'
import { Building, Camera, CircleHelp, ClipboardCheck, Globe, Hash, Landmark, Mail, MessageCircle, MessageSquareText, MessagesSquare, Mic, Phone, Send, Smartphone, Store, Users } from 'lucide-react'
import type { ComponentType } from 'react'
import { useNames } from '../use'

type Sign = ComponentType<{ size?: number; 'aria-hidden'?: boolean }>

const signs: Record<string, [Sign, string]> = {
  email: [Mail, 'blue'],
  chat: [MessagesSquare, 'cyan'],
  phone: [Phone, 'grape'],
  sms: [MessageSquareText, 'violet'],
  whatsapp: [MessageCircle, 'green'],
  messenger: [MessageCircle, 'indigo'],
  instagram: [Camera, 'pink'],
  telegram: [Send, 'blue'],
  viber: [MessageCircle, 'violet'],
  wechat: [MessageCircle, 'green'],
  line: [MessageCircle, 'teal'],
  x: [MessageSquareText, 'gray'],
  slack: [Hash, 'grape'],
  forum: [Users, 'orange'],
  letter: [Landmark, 'yellow'],
  store: [Store, 'orange'],
  app: [Smartphone, 'teal'],
  web: [Globe, 'gray'],
  survey: [ClipboardCheck, 'lime'],
  help_centre: [CircleHelp, 'gray'],
  portal: [Building, 'indigo'],
  voice_assistant: [Mic, 'red'],
}

/** A channel's sign, with its name for those who point at it or do not see it. */
export function ChannelSign({ channel, size = 26 }: { channel: string; size?: number }) {
  const names = useNames()
  const [Icon, color] = signs[channel] ?? [CircleHelp, 'gray']
  const name = names.channel(channel)
  return (
    // The browser's own tooltip: a list has hundreds of signs, and each of the library's costs as much as all else in its row.
    <ThemeIcon size={size} radius="xl" variant="light" color={color} role="img" aria-label={name} title={name}>
      <Icon size={Math.round(size * 0.58)} aria-hidden />
    </ThemeIcon>
  )
}

export function ChannelSigns({ channels, most = 4 }: { channels: string[]; most?: number }) {
  const names = useNames()
  return (
    <Group gap={4} wrap="nowrap">
      {channels.slice(0, most).map((c) => (
        <ChannelSign key={c} channel={c} />
      ))}
      {channels.length > most && (
        <Tooltip label={channels.slice(most).map(names.channel).join(', ')}>
          <Text size="xs" c="dimmed" component="span">
            +{channels.length - most}
            <span className="hidden"> {channels.slice(most).map(names.channel).join(', ')}</span>
          </Text>
        </Tooltip>
      )}
    </Group>
  )
}
